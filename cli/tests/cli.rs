//! The tool as a user meets it: what it prints, what it writes, and what it refuses.

mod tool;

use clearpage::primitives;
use tool::{clearpage, command, refused, stdout};

#[test]
fn info_prints_the_machine() {
    let text = stdout(&clearpage(&["info"]));
    for fact in ["CPU", "L1d cache", "page size", "hypervisor", "kernel", "memory"] {
        assert!(text.contains(fact), "{fact}: {text}");
    }
    for flag in clearpage::cpu::flags() {
        assert!(text.contains(flag.source), "{flag:?}: {text}");
    }
}

#[test]
fn list_names_every_primitive_and_why_it_is_unavailable() {
    let text = stdout(&clearpage(&["list"]));
    for primitive in primitives() {
        assert!(text.contains(primitive.name()), "{primitive:?}: {text}");
        if let Err(why) = primitive.available() {
            assert!(text.contains(why.reason), "{primitive:?}: {text}");
        }
    }
    for intent in ["auto", "hot", "cold"] {
        assert!(text.contains(intent), "{intent}: {text}");
    }
}

#[test]
fn list_as_markdown_equals_its_section_in_docs() {
    let text = stdout(&clearpage(&["list", "--markdown"]));
    let docs = include_str!("../../docs/primitives.md");
    let section = format!("## {}\n\n{}", std::env::consts::ARCH, text.trim());
    assert!(docs.contains(&section), "docs/primitives.md should have:\n{section}");
}

#[test]
fn an_unknown_command_is_refused() {
    assert!(refused(&clearpage(&["frobnicate"])).contains("frobnicate"));
}

#[test]
fn a_bad_force_in_the_environment_is_refused() {
    let output = command(&["list"]).env("CLEARPAGE_FORCE", "nonsense").output().unwrap();
    let message = refused(&output);
    assert!(message.contains("CLEARPAGE_FORCE=nonsense: no such primitive"), "{message}");
}
