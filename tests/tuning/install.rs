//! Tunings installed by a caller or by the file of `CLEARPAGE_TUNING`.

use std::path::Path;
use std::sync::Barrier;
use std::thread;

use clearpage::{Intent, PAGE_SIZE, Tuning};
use clearpage_testkit::{Garbage, TempFile, built_for_one, child, texts};

/// Returns a tuning that detection never chooses: `generic` from 64 KiB on for `Hot`.
fn odd() -> Tuning {
    let generic = clearpage::primitives().last().unwrap();
    Tuning::detect().with_step(Intent::Hot, 64 << 10, generic)
}

const LENGTHS: [usize; 4] = [1 << 10, 32 << 10, 64 << 10, 1 << 30];

fn served() -> Vec<&'static str> {
    LENGTHS.map(|len| clearpage::primitive_for(Intent::Hot, len).name()).to_vec()
}

/// Runs the child below with this value of `CLEARPAGE_TUNING`.
fn run(path: &Path) -> (Option<i32>, String, String) {
    let path = path.to_str().unwrap();
    texts(&child("install::clear_and_print_what_serves", ("CLEARPAGE_TUNING", path)))
}

#[test]
fn an_installed_tuning_is_in_effect() {
    if built_for_one() {
        return;
    }
    let before = served();
    odd().install().unwrap();
    let after = served();
    assert_eq!(after[..2], before[..2]);
    assert_eq!(after[2..], ["generic", "generic"]);
    let mut memory = Garbage::new(20 * PAGE_SIZE);
    clearpage::clear_pages_for(memory.pages(20), Intent::Hot);
    memory.check(0, 20 * PAGE_SIZE, &"an odd tuning");
    clearpage::reset_plan().unwrap();
    assert_eq!(served(), before);
}

/// Child: clears in several threads, then prints the primitives in effect.
#[test]
#[ignore = "run by other tests, in a process of its own"]
fn clear_and_print_what_serves() {
    // If several threads make the plan at once, a message is still printed once.
    let line = Barrier::new(4);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut memory = Garbage::new(PAGE_SIZE);
                line.wait();
                clearpage::clear_pages(memory.pages(1));
                memory.check(0, PAGE_SIZE, &"clear_pages");
            });
        }
    });
    println!("serves: {}", served().join(" "));
}

#[test]
fn the_tuning_of_a_file_is_in_effect() {
    if built_for_one() {
        return;
    }
    let (code, stdout, _) = run(TempFile::new("good", odd().to_string()).path());
    assert!(code == Some(0) && stdout.contains(" generic generic\n"), "{stdout}");
}

#[test]
fn a_malformed_file_exits_with_status_2_and_names_the_line() {
    if built_for_one() {
        return;
    }
    let good = odd().to_string();
    for (name, text, reason) in [
        ("empty", String::new(), "line 1: not a tuning"),
        ("cut", good.replace("end\n", ""), "the text ends without \"end\""),
        ("garbled", good.replacen("auto 0 ", "auto 0 x", 1), "no primitive"),
    ] {
        let file = TempFile::new(name, &text);
        let (code, _, stderr) = run(file.path());
        let path = file.path().display();
        assert!(stderr.contains(&format!("clearpage: CLEARPAGE_TUNING={path}: ")), "{stderr}");
        assert!(stderr.contains(reason), "{name}: {stderr}");
        assert_eq!(code, Some(2), "{name}");
    }
}

#[test]
fn a_tuning_of_another_machine_is_ignored_with_one_line() {
    if built_for_one() {
        return;
    }
    let good = odd().to_string();
    let line = |fact: &str| good.lines().find(|line| line.starts_with(fact)).unwrap();
    for (name, text, reason) in [
        ("microcode", good.replacen(line("microcode "), "microcode 0xdeadbeef", 1), "microcode"),
        ("hypervisor", good.replacen(line("hypervisor "), "hypervisor maybe", 1), "hypervisor"),
        ("model", good.replacen(line("model "), "model 99999", 1), "another model of CPU"),
        ("version", good.replacen("clearpage-tuning 2", "clearpage-tuning 1", 1), "version"),
    ] {
        let file = TempFile::new(name, &text);
        let (code, stdout, stderr) = run(file.path());
        let path = file.path().display();
        let begin = format!("clearpage: CLEARPAGE_TUNING={path}: ignored: line ");
        let lines: Vec<&str> = stderr.lines().filter(|line| line.contains("clearpage:")).collect();
        assert!(lines.len() == 1 && lines[0].starts_with(&begin), "{name}: {stderr}");
        assert!(lines[0].contains(reason), "{name}: {stderr}");
        assert_eq!(code, Some(0), "{name}: {stderr}");
        let default = served_by_default().join(" ");
        assert!(stdout.contains(&format!("serves: {default}\n")), "{name}: {stdout}");
    }
}

/// Returns the primitives of the default tuning.
fn served_by_default() -> Vec<&'static str> {
    let tuning = Tuning::detect();
    LENGTHS.map(|len| tuning.choose(Intent::Hot, len).name()).to_vec()
}
