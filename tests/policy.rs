//! The truth table, the policy of the process, and its environment variables.

use clearpage::hooks::{AllocFlags, InitPolicy, policy, set_policy};
use clearpage_testkit::flags::{POLICIES, every_flags};

/// The conditions of a row, and whether the data is cleared.
type Row = (Vec<(String, Option<bool>)>, bool);

/// Reads the documented table.
fn documented() -> Vec<Row> {
    let cells = |line: &str| -> Vec<String> {
        line.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect()
    };
    let mut lines = include_str!("../docs/truth-table.md").lines();
    let names = cells(lines.next().unwrap());
    assert_eq!(names[5], "the data is");
    let row = |line: &str| {
        let row = cells(line);
        let conditions = names[..5].iter().zip(&row).map(|(name, cell)| {
            let value = match &**cell {
                "yes" => Some(true),
                "no" => Some(false),
                "any" => None,
                other => panic!("{name}: {other}"),
            };
            (name.clone(), value)
        });
        let cleared = match &*row[5] {
            "cleared" => true,
            "left" => false,
            other => panic!("the data is {other}"),
        };
        (conditions.collect(), cleared)
    };
    lines.skip(1).map(row).collect()
}

#[test]
fn every_combination_has_one_row_of_the_documented_table() {
    let table = documented();
    let mut used = vec![0; table.len()];
    for (policy, flags) in POLICIES.into_iter().flat_map(|p| every_flags().map(move |f| (p, f))) {
        let is = |name: &str| match name {
            "on_alloc" => policy.on_alloc,
            "ZERO" => flags.contains(AllocFlags::ZERO),
            "SKIP_ZERO" => flags.contains(AllocFlags::SKIP_ZERO),
            "KNOWN_ZERO" => flags.contains(AllocFlags::KNOWN_ZERO),
            "WILL_OVERWRITE" => flags.contains(AllocFlags::WILL_OVERWRITE),
            other => panic!("no such column: {other}"),
        };
        let holds = |conditions: &[(String, Option<bool>)]| {
            conditions.iter().all(|(name, value)| value.is_none_or(|value| value == is(name)))
        };
        let rows: Vec<usize> = (0..table.len()).filter(|&row| holds(&table[row].0)).collect();
        let [row] = rows[..] else { panic!("{policy:?}, {flags:?} has the rows {rows:?}") };
        assert_eq!(policy.wants_init_on_alloc(flags), table[row].1, "{policy:?}, {flags:?}");
        used[row] += 1;
    }
    assert_eq!(used.iter().sum::<u32>(), 128);
    assert!(used.iter().all(|&n| n > 0), "a row applies to no combination: {used:?}");
}

#[test]
fn a_union_has_the_flags_of_both_sets() {
    for (a, b) in every_flags().flat_map(|a| every_flags().map(move |b| (a, b))) {
        let (union, mut assigned) = (a.union(b), a);
        assigned |= b;
        assert_eq!([a | b, b.union(a), assigned, union.union(a)], [union; 4], "{a:?}, {b:?}");
        assert!(union.contains(a) && union.contains(b), "{a:?}, {b:?}");
        for c in every_flags().filter(|&c| c.contains(a) && c.contains(b)) {
            assert!(c.contains(union), "{a:?}, {b:?}, {c:?}");
        }
    }
}

/// Only this test changes the policy of the process.
#[test]
fn set_policy_takes_effect() {
    assert_eq!(InitPolicy::default(), InitPolicy::OFF);
    assert_eq!(policy(), InitPolicy::OFF, "neither a call nor the environment set it");
    for wanted in POLICIES {
        set_policy(wanted);
        assert_eq!(policy(), wanted);
    }
    set_policy(InitPolicy::OFF);
}

#[cfg(all(feature = "std", any(unix, windows)))]
mod environment {
    use std::sync::Barrier;
    use std::thread;

    use clearpage::hooks::{self, InitPolicy, policy, set_policy};
    use clearpage::{Page, clear_page};

    use clearpage_testkit::{child_with, texts};

    const VALUES: [(&str, bool); 3] = [("", false), ("0", false), ("1", true)];
    const BAD: [&str; 6] = ["2", "yes", "01", " 1", "true", "-1"];

    /// Child: prints the policy.
    #[test]
    #[ignore = "run by other tests, in a process of its own"]
    fn print_the_policy() {
        println!("policy: {:?}", policy());
    }

    /// Child: reads the environment, then prints the result.
    #[test]
    #[ignore = "run by other tests, in a process of its own"]
    fn print_init() {
        match hooks::init_policy_from_env() {
            Ok(()) => println!("init: {:?}", policy()),
            Err(error) => println!("init: {error}"),
        }
    }

    /// Child: sets the policy before the environment is read.
    #[test]
    #[ignore = "run by other tests, in a process of its own"]
    fn set_then_print() {
        set_policy(InitPolicy::ON_FREE);
        println!("init: {:?}, policy: {:?}", hooks::init_policy_from_env(), policy());
    }

    /// Child: reads the environment during the first clear of another thread.
    #[test]
    #[ignore = "run by other tests, in a process of its own"]
    fn init_during_the_first_clear() {
        let start = Barrier::new(2);
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut page = Page::ZERO;
                start.wait();
                clear_page(&mut page);
            });
            start.wait();
            println!("init: {:?}", hooks::init_policy_from_env());
        });
    }

    fn run(test: &str, on_alloc: &str, on_free: &str) -> (Option<i32>, String, String) {
        let test = format!("environment::{test}");
        let variables =
            [("CLEARPAGE_INIT_ON_ALLOC", on_alloc), ("CLEARPAGE_INIT_ON_FREE", on_free)];
        texts(&child_with(&test, &variables))
    }

    #[test]
    fn variables_set_the_policy() {
        for (alloc, on_alloc) in VALUES {
            for (free, on_free) in VALUES {
                let wanted = InitPolicy { on_alloc, on_free };
                let (code, stdout, stderr) = run("print_the_policy", alloc, free);
                assert_eq!(code, Some(0), "{stderr}");
                assert!(stdout.contains(&format!("policy: {wanted:?}\n")), "{stdout}");
            }
        }
        let (_, stdout, _) = run("print_init", "1", "0");
        assert!(stdout.contains(&format!("init: {:?}\n", InitPolicy::ON_ALLOC)), "{stdout}");
    }

    #[test]
    fn a_malformed_variable_exits_or_is_returned_as_an_error() {
        let both =
            |bad| [("CLEARPAGE_INIT_ON_ALLOC", bad, "1"), ("CLEARPAGE_INIT_ON_FREE", "", bad)];
        for (variable, alloc, free) in BAD.into_iter().flat_map(both) {
            let bad = if alloc.is_empty() { free } else { alloc };
            let message =
                format!("{variable}={bad}: allowed are 0 (off), 1 (on) and nothing (off)\n");
            let (code, stdout, stderr) = run("print_the_policy", alloc, free);
            assert_eq!(code, Some(2), "{stdout}{stderr}");
            assert!(stderr.contains(&format!("clearpage: {message}")), "{stderr}");

            let (code, stdout, _) = run("print_init", alloc, free);
            assert_eq!(code, Some(0), "the caller receives the error");
            assert!(stdout.contains(&format!("init: {message}")), "{stdout}");
        }
    }

    #[test]
    fn the_error_is_returned_even_while_the_plan_is_made() {
        for _ in 0..30 {
            let (code, stdout, stderr) = run("init_during_the_first_clear", "", "nonsense");
            assert_eq!(code, Some(0), "{stdout}{stderr}");
            assert!(stdout.contains("init: Err(PolicyError"), "{stdout}");
        }
    }

    #[test]
    fn a_policy_set_earlier_overrides_the_environment() {
        for value in ["1", "nonsense"] {
            let (code, stdout, stderr) = run("set_then_print", value, "0");
            assert_eq!(code, Some(0), "{stderr}");
            let wanted = format!("init: Ok(()), policy: {:?}\n", InitPolicy::ON_FREE);
            assert!(stdout.contains(&wanted), "{stdout}");
        }
    }
}
