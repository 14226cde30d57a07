//! Rules for the source: each primitive is one file and two lines, and only `door.rs` calls it.

use std::fs;
use std::path::{Path, PathBuf};

fn isas() -> Vec<PathBuf> {
    let arch = Path::new(env!("CARGO_MANIFEST_DIR")).join("arch");
    let entries = fs::read_dir(arch).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_dir()).collect()
}

/// Returns the stem and the text of each file of an ISA, except `mod.rs`.
fn files(isa: &Path) -> Vec<(String, String)> {
    let paths = fs::read_dir(isa).unwrap().map(|entry| entry.unwrap().path());
    paths
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), path))
        .filter(|(stem, _)| stem != "mod")
        .map(|(stem, path)| (stem, fs::read_to_string(path).unwrap()))
        .collect()
}

/// Returns the files that define a primitive. The others are shared by primitives.
fn leaves(isa: &Path) -> Vec<(String, String)> {
    files(isa).into_iter().filter(|(_, text)| text.contains("PRIMITIVE: Primitive = ")).collect()
}

fn table(isa: &Path) -> String {
    fs::read_to_string(isa.join("mod.rs")).unwrap()
}

#[test]
fn every_file_is_a_module_and_every_primitive_a_row() {
    for isa in isas() {
        let table = table(&isa);
        for (stem, _) in files(&isa) {
            assert!(table.contains(&format!("mod {stem};")), "{isa:?}: no `mod {stem};`");
        }
        for (stem, _) in leaves(&isa) {
            assert!(table.contains(&format!("{stem}::PRIMITIVE")), "{isa:?}: no row for {stem}");
        }
        assert!(!leaves(&isa).is_empty(), "{isa:?}: no primitive");
    }
}

#[test]
fn every_leaf_states_its_assumptions_and_its_name() {
    for isa in isas() {
        for (stem, text) in leaves(&isa) {
            assert!(text.contains("//! Assumptions"), "{isa:?}: {stem} states no assumptions");
            // The primitive in `words.rs` is called `generic`, as its folder.
            let named = text.contains(&format!("name: \"{stem}\"")) || stem == "words";
            assert!(named, "{isa:?}: {stem} has another name");
        }
    }
}

/// A range may span two allocations, for which `add` is undefined behaviour.
#[test]
fn addresses_are_computed_with_wrapping_arithmetic() {
    for isa in isas() {
        for (stem, text) in files(&isa) {
            for (number, line) in text.lines().enumerate() {
                let bad = ["add(", "sub(", "offset("].iter().any(|call| {
                    [".", ".byte_"].iter().any(|prefix| line.contains(&format!("{prefix}{call}")))
                });
                assert!(!bad, "{isa:?}: {stem}.rs:{}: {line}", number + 1);
            }
        }
    }
}

/// Adds the `.rs` files below `folder` other than `except`.
fn sources(folder: &Path, except: &Path, found: &mut Vec<PathBuf>) {
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            sources(&path, except, found);
        } else if path != except {
            found.push(path);
        }
    }
}

/// AddressSanitizer checks only clears through `door.rs`.
#[test]
fn only_the_door_calls_the_code_of_a_primitive() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let door = src.join("door.rs");
    let calls = |path: &Path| {
        let text = fs::read_to_string(path).unwrap();
        ["leaf(", "leaf)(", "zero_small("].iter().any(|call| text.contains(call))
    };
    let mut others = vec![];
    sources(&src, &door, &mut others);
    let callers: Vec<_> = others.into_iter().filter(|path| calls(path)).collect();
    assert!(callers.is_empty(), "{callers:?}");
    assert!(calls(&door), "the search does not find the calls in door.rs");
}

/// The compiled table has the primitives of this target's folder, except those excluded by a `cfg`,
/// and then `generic`.
#[test]
#[cfg(not(miri))]
fn the_table_has_the_primitives_of_the_folder() {
    let isa = Path::new(env!("CARGO_MANIFEST_DIR")).join("arch").join(std::env::consts::ARCH);
    let mut rows: Vec<_> = clearpage::primitives().iter().map(|p| p.name()).collect();
    assert_eq!(rows.pop(), Some("generic"));
    if !isa.exists() {
        assert!(rows.is_empty(), "rows without a folder: {rows:?}");
        return;
    }
    let table = table(&isa);
    let leaves = leaves(&isa);
    for row in &rows {
        assert!(leaves.iter().any(|(stem, _)| stem == row), "a row without a file: {row}");
    }
    for (stem, _) in &leaves {
        let lines: Vec<_> = table.lines().map(str::trim).collect();
        let at = lines.iter().position(|line| *line == format!("mod {stem};")).unwrap();
        let conditional = at > 0 && lines[at - 1].starts_with("#[cfg(");
        assert!(conditional || rows.contains(&&**stem), "a file without a row: {stem}");
    }
}
