//! The text of a tuning: what is written is read back, and every error names its line and its reason.

use clearpage::cpu::{self, Facts, Feature};
use clearpage::{Intent, Tuning, primitives};

fn error(text: &str) -> (usize, &'static str) {
    let error = text.parse::<Tuning>().unwrap_err();
    (error.line, error.reason)
}

fn text() -> String {
    Tuning::detect().to_string()
}

#[test]
fn a_written_tuning_is_read_back() {
    assert_eq!(text().parse::<Tuning>(), Ok(Tuning::detect()));
    let generic = primitives().last().unwrap();
    let other = Tuning::detect().with_step(Intent::Hot, 1 << 20, generic).with_step(
        Intent::Cold,
        1,
        generic,
    );
    assert_eq!(other.to_string().parse::<Tuning>(), Ok(other));
    // A build with no primitive but `generic` has only one tuning.
    let detected = Tuning::detect();
    assert_eq!(other == detected, detected == Tuning::uniform(generic));
}

#[test]
fn the_text_has_the_facts_of_this_cpu() {
    let (text, facts) = (text(), Facts::detect());
    let value = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no line {key}: {text}"))
    };
    let microcode = cpu::microcode().map_or("unknown".to_owned(), |rev| format!("{rev:#x}"));
    assert_eq!(value("microcode"), microcode);
    let names = |names: &mut dyn Iterator<Item = &'static str>| names.collect::<Vec<_>>().join(" ");
    assert_eq!(value("features").trim_end(), names(&mut facts.features.iter().map(Feature::name)));
    let rows = names(&mut primitives().iter().map(|row| row.name()));
    assert_eq!(value("primitives").split(' ').collect::<Vec<_>>().join(" "), rows);
}

#[test]
fn steps_are_in_order() {
    let text = text();
    let facts = &text[..text.find("auto 0").unwrap()];
    for steps in [
        "auto 0, auto 0",
        "auto 0, auto 8192, auto 4096",
        "auto 0, hot 4096",
        "auto 0, cold 0",
        "auto 0, hot 0, auto 4096",
        "auto 0, hot 0, hot 4096, cold 8192",
    ] {
        let lines: String = steps.split(", ").map(|step| format!("{step} generic\n")).collect();
        let (line, reason) = error(&format!("{facts}{lines}end\n"));
        assert!(reason.contains("out of order"), "{steps}: {reason}");
        assert_eq!(line, (facts.to_owned() + &lines).lines().count(), "{steps}");
    }
}

/// A truncated text must be an error, not a tuning of another CPU. Only a truncated version
/// number looks like another version.
#[test]
fn a_text_that_was_cut_off_is_an_error() {
    let text = text();
    for len in 0..text.trim_end().len() {
        let error = text[..len].parse::<Tuning>().unwrap_err();
        assert!(!error.is_foreign() || error.line == 1, "{}: {error}", &text[..len]);
    }
}

#[test]
fn a_tuning_of_another_cpu_names_the_fact_that_differs() {
    let text = text();
    for (fact, value, reason) in [
        ("isa", "pdp11", "instruction set"),
        ("vendor", "Nobody", "vendor"),
        ("family", "999", "another model"),
        ("model", "99999", "another model"),
        ("stepping", "999", "stepping"),
        ("microcode", "0xdeadbeef", "microcode"),
        ("hypervisor", "perhaps", "hypervisor"),
        ("caches", "1 2 3", "caches"),
        ("block", "3", "blocks"),
        ("features", "erms x", "feature bits"),
        ("primitives", "stosb", "other primitives"),
    ] {
        let own = text.lines().find(|line| line.starts_with(fact)).unwrap();
        let error = text.replacen(own, &format!("{fact} {value}"), 1);
        let error = error.parse::<Tuning>().unwrap_err();
        assert!(error.is_foreign() && error.reason.contains(reason), "{fact}: {error}");
        let own_value = own.strip_prefix(fact).unwrap().trim_start();
        let both = match cfg!(feature = "std") {
            true => format!("{}: {fact} {value}, this machine has {own_value}", error.reason),
            false => error.reason.to_owned(),
        };
        assert!(error.to_string().trim_end().ends_with(both.trim_end()), "{fact}: {error}");
        let line = text.lines().position(|line| line == own).unwrap() + 1;
        assert_eq!(error.line, line, "{fact}");
    }
    for (version, age) in [("1", "an older"), ("9", "a newer"), ("x", "another")] {
        let error = format!("clearpage-tuning {version}\nend\n").parse::<Tuning>().unwrap_err();
        assert!(error.is_foreign(), "{error}");
        assert_eq!(error.reason, format!("made by {age} version of clearpage"));
    }
}

/// It may be printed on a terminal, from a file of a stranger.
#[test]
fn an_unprintable_or_long_value_of_a_fact_is_left_out() {
    let text = text();
    let own = text.lines().find(|line| line.starts_with("vendor")).unwrap();
    for value in ["\u{1b}[2J", "x".repeat(33).as_str()] {
        let error =
            text.replacen(own, &format!("vendor {value}"), 1).parse::<Tuning>().unwrap_err();
        assert_eq!(error.to_string(), "line 3: made on a CPU of another vendor");
    }
}

#[test]
fn a_primitive_that_sets_memory_tags_is_refused() {
    for row in primitives().iter().filter(|row| row.sets_tags()) {
        let tagging = Tuning::detect().with_step(Intent::Hot, 1 << 20, row).to_string();
        let (line, why) = error(&tagging);
        let step = format!("hot 1048576 {}", row.name());
        assert_eq!(tagging.lines().nth(line - 1), Some(&*step));
        assert!(why.starts_with("this primitive sets memory tags: allowed are "), "{why}");
    }
}

#[test]
fn errors_have_the_line_and_the_reason() {
    let text = text();
    let first_step = text.lines().position(|line| line.starts_with("auto 0")).unwrap() + 1;
    assert_eq!(error("").0, 1);
    assert_eq!(error("# a comment\n").0, 1);
    let (line, why) = error(&text.replacen("family", "familiar", 1));
    assert!(line == 4 && why.contains("fact"), "line {line}: {why}");
    let first = "auto 0 ";
    for (with, reason) in [
        ("tepid 0 ", "no such intent"),
        ("auto x ", "no number"),
        ("auto 3000 ", "power of two"),
        ("auto 4096 ", "out of order"),
        ("hot 0 ", "out of order"),
        ("auto 0 x", "no primitive"),
        ("auto  0 ", "a step is"),
    ] {
        let (line, why) = error(&text.replacen(first, with, 1));
        assert!(line == first_step && why.contains(reason), "{with}: line {line}: {why}");
    }
    let lines: usize = text.lines().count();
    assert_eq!(error(&(text.clone() + "end\n")), (lines, "\"end\" is not the end"));
    let end = text.find("cold 0").unwrap();
    assert!(error(&(text[..end].to_string() + "end\n")).1.contains("missing"));
}
