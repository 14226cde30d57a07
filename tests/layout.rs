//! The rule that a primitive is one file and two lines: no file without its row.

use std::fs;
use std::path::{Path, PathBuf};

fn isas() -> Vec<PathBuf> {
    let arch = Path::new(env!("CARGO_MANIFEST_DIR")).join("arch");
    let entries = fs::read_dir(arch).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_dir()).collect()
}

/// The files of an ISA's folder other than `mod.rs`: stem and text.
fn files(isa: &Path) -> Vec<(String, String)> {
    let paths = fs::read_dir(isa).unwrap().map(|entry| entry.unwrap().path());
    paths
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), path))
        .filter(|(stem, _)| stem != "mod")
        .map(|(stem, path)| (stem, fs::read_to_string(path).unwrap()))
        .collect()
}

/// Those that hold a primitive; the others are what leaves share.
fn leaves(isa: &Path) -> Vec<(String, String)> {
    files(isa).into_iter().filter(|(_, text)| text.contains("PRIMITIVE: Primitive = ")).collect()
}

fn table(isa: &Path) -> String {
    fs::read_to_string(isa.join("mod.rs")).unwrap()
}

#[test]
fn every_file_has_its_lines() {
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
            // `generic` is named after its folder.
            let named = text.contains(&format!("name: \"{stem}\"")) || stem == "words";
            assert!(named, "{isa:?}: {stem} is called otherwise");
        }
    }
}

/// A range may cross from one allocation into its neighbour, where `add` is undefined behaviour.
#[test]
fn addresses_are_computed_by_wrapping() {
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

/// A clear that avoids the door is not checked under AddressSanitizer.
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
    assert!(calls(&door), "calls are spelled in another way");
}

/// The table that was compiled holds the leaves of this target's folder, less those that a `cfg`
/// keeps out of this build, and `generic` behind them.
#[test]
#[cfg(not(miri))]
fn the_table_is_the_folder() {
    let isa = Path::new(env!("CARGO_MANIFEST_DIR")).join("arch").join(std::env::consts::ARCH);
    let mut rows: Vec<_> = clearpage::primitives().iter().map(|p| p.name()).collect();
    assert_eq!(rows.pop(), Some("generic"));
    if !isa.exists() {
        assert!(rows.is_empty(), "rows of no folder: {rows:?}");
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
