//! Every way to force a primitive, and its errors. The plan is global, so only one test changes it;
//! others use child processes.

use clearpage::{ForceError, Intent, PAGE_SIZE, Tuning, primitives};
use clearpage_testkit::{Garbage, built_for_one};
#[cfg(feature = "std")]
use clearpage_testkit::{child, child_with};

const LENGTHS: [usize; 4] = [PAGE_SIZE, 64 << 10, 4 << 20, 1 << 30];

fn plan() -> Vec<&'static str> {
    Intent::ALL
        .into_iter()
        .flat_map(|intent| LENGTHS.map(|len| clearpage::primitive_for(intent, len).name()))
        .collect()
}

#[test]
fn a_forced_primitive_serves_every_function() {
    let before = plan();
    let mut memory = Garbage::new(9 * PAGE_SIZE);
    for primitive in primitives() {
        let name = primitive.name();
        match clearpage::force(name) {
            Ok(()) => assert!(plan().iter().all(|&planned| planned == name), "{name}"),
            Err(ForceError::Unavailable { name: named, reason }) => {
                assert_eq!(named, name);
                assert!(built_for_one() || primitive.available().unwrap_err().reason == reason);
            }
            Err(error) => {
                assert_eq!(error, ForceError::SetsTags { name });
                assert!(primitive.sets_tags());
            }
        }
        for intent in Intent::ALL {
            clearpage::clear_pages_for(memory.pages(9), intent);
            memory.check(0, 9 * PAGE_SIZE, &name);
            clearpage::zero_bytes(memory.bytes(13, 5000), intent);
            memory.check(13, 5000, &name);
        }
        clearpage::clear_page(&mut memory.pages(1)[0]);
        memory.check(0, PAGE_SIZE, &name);
    }
    let forced = plan();
    assert_eq!(clearpage::force("nonsense"), Err(ForceError::Unknown));
    assert_eq!(plan(), forced, "a refused force changes nothing");
    clearpage::reset_plan().unwrap();
    assert_eq!(plan(), before);
}

#[test]
fn a_primitive_that_sets_memory_tags_is_never_installed() {
    for row in primitives().iter().filter(|row| row.sets_tags()) {
        let refused = Err(ForceError::SetsTags { name: row.name() });
        assert_eq!(Tuning::uniform(row).install(), refused);
        for intent in Intent::ALL {
            assert_eq!(Tuning::detect().with_step(intent, 1 << 20, row).install(), refused);
        }
    }
}

#[test]
fn errors_name_what_is_wrong_and_what_is_allowed() {
    let unknown = ForceError::Unknown.to_string();
    assert!(unknown.starts_with("no such primitive; this build has "), "{unknown}");
    let tags = ForceError::SetsTags { name: "x" }.to_string();
    assert!(tags.starts_with("x sets memory tags and cannot serve every clear; allowed are "));
    for primitive in primitives() {
        for error in [&unknown, &tags] {
            assert_eq!(error.contains(primitive.name()), !primitive.sets_tags(), "{error}");
        }
    }
    let unavailable = ForceError::Unavailable { name: "x", reason: "no X: bit 3 is 0" };
    assert_eq!(unavailable.to_string(), "x is not available: no X: bit 3 is 0");
}

/// Child: clears, then prints the plan.
#[test]
#[ignore = "run by other tests, in a process of its own"]
fn clear_and_print_the_plan() {
    let mut memory = Garbage::new(3 * PAGE_SIZE);
    clearpage::clear_pages(memory.pages(3));
    memory.check(0, 3 * PAGE_SIZE, &"clear_pages");
    println!("plan: {}", plan().join(" "));
}

#[test]
#[cfg(feature = "std")]
fn the_environment_forces_a_primitive() {
    for primitive in clearpage_testkit::available().into_iter().filter(|p| !p.sets_tags()) {
        if built_for_one() {
            continue;
        }
        let child = child("clear_and_print_the_plan", ("CLEARPAGE_FORCE", primitive.name()));
        let stdout = String::from_utf8(child.stdout).unwrap();
        let plan = format!("plan: {}\n", [primitive.name(); 12].join(" "));
        assert!(child.status.success() && stdout.contains(&plan), "{stdout}");
    }
    let child = child("clear_and_print_the_plan", ("CLEARPAGE_FORCE", ""));
    assert!(child.status.success(), "empty counts as not set: {child:?}");
}

#[test]
#[cfg(feature = "std")]
fn a_wrong_name_in_the_environment_exits_with_status_2() {
    if built_for_one() {
        return;
    }
    let refused = |name: &str, message: &str| {
        let child = child("clear_and_print_the_plan", ("CLEARPAGE_FORCE", name));
        let stderr = String::from_utf8(child.stderr).unwrap();
        let message = format!("clearpage: CLEARPAGE_FORCE={name}: {message}\n");
        assert!(stderr.contains(&message), "{name}: {stderr}");
        assert_eq!(child.status.code(), Some(2), "{name}");
    };
    refused("nonsense", &ForceError::Unknown.to_string());
    for primitive in primitives() {
        if primitive.sets_tags() {
            let name = primitive.name();
            refused(name, &ForceError::SetsTags { name }.to_string());
        } else if let Err(why) = primitive.available() {
            let name = primitive.name();
            let error = ForceError::Unavailable { name, reason: why.reason };
            refused(name, &error.to_string());
        }
    }
}

/// Child: prints both errors after the variables were changed.
#[test]
#[ignore = "run by other tests, in a process of its own"]
#[cfg(all(feature = "std", any(unix, windows)))]
fn print_both_errors() {
    for variable in ["CLEARPAGE_FORCE", "CLEARPAGE_INIT_ON_FREE"] {
        // SAFETY: no other thread of this process reads the environment.
        unsafe { std::env::set_var(variable, "changed") };
    }
    for _ in 0..2 {
        println!("policy: {}", clearpage::hooks::init_policy_from_env().unwrap_err());
        println!("plan: {}", clearpage::init().unwrap_err());
    }
}

#[test]
#[cfg(all(feature = "std", any(unix, windows)))]
fn each_init_returns_the_error_of_its_variable_as_it_was_read() {
    if built_for_one() {
        return;
    }
    let variables = [("CLEARPAGE_FORCE", "bad plan"), ("CLEARPAGE_INIT_ON_FREE", "bad policy")];
    let child = child_with("print_both_errors", &variables);
    let stdout = String::from_utf8(child.stdout).unwrap();
    for line in [
        "policy: CLEARPAGE_INIT_ON_FREE=bad policy: allowed are 0 (off), 1 (on)",
        "plan: CLEARPAGE_FORCE=bad plan: no such primitive; this build has ",
    ] {
        assert_eq!(stdout.matches(line).count(), 2, "{stdout}");
    }
}
