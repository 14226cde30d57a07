//! The rule that a primitive is one file and two lines: no file without its row.

use std::fs;
use std::path::{Path, PathBuf};

/// Files of an ISA's folder that are not primitives: how it reads its CPU, what its leaves share.
const HELPERS: [&str; 5] = ["cpuid", "loops", "small", "tuning", "vector"];

fn isas() -> Vec<PathBuf> {
    let arch = Path::new(env!("CARGO_MANIFEST_DIR")).join("arch");
    let entries = fs::read_dir(arch).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_dir()).collect()
}

/// The leaves of a folder: file stem and text.
fn leaves(isa: &Path) -> Vec<(String, String)> {
    fs::read_dir(isa)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), path))
        .filter(|(stem, _)| stem != "mod" && !HELPERS.contains(&stem.as_str()))
        .map(|(stem, path)| (stem, fs::read_to_string(path).unwrap()))
        .collect()
}

#[test]
fn every_leaf_has_its_row() {
    let mut leaf_count = 0;
    for isa in isas() {
        let table = fs::read_to_string(isa.join("mod.rs")).unwrap();
        for (stem, text) in leaves(&isa) {
            let file = isa.join(&stem);
            assert!(table.contains(&format!("mod {stem};")), "{file:?}: no `mod {stem};`");
            assert!(table.contains(&format!("{stem}::PRIMITIVE")), "{file:?}: no row");
            assert!(text.contains("PRIMITIVE: Primitive = "), "{file:?}: no primitive");
            leaf_count += 1;
        }
    }
    assert!(leaf_count >= 11, "only {leaf_count} leaves found");
}

#[test]
fn every_leaf_states_its_assumptions_and_its_name() {
    for isa in isas() {
        for (stem, text) in leaves(&isa) {
            let file = isa.join(&stem);
            assert!(text.contains("//! Assumptions"), "{file:?}: no Assumptions block");
            // `generic` is named after its folder.
            let named = text.contains(&format!("name: \"{stem}\"")) || stem == "words";
            assert!(named, "{file:?}: called otherwise");
        }
    }
}

/// The table that was compiled holds the files of this target's folder.
#[test]
#[cfg(all(target_arch = "x86_64", target_pointer_width = "64"))]
fn the_table_is_the_folder() {
    let isa = Path::new(env!("CARGO_MANIFEST_DIR")).join("arch").join(std::env::consts::ARCH);
    let mut files: Vec<_> = leaves(&isa).into_iter().map(|leaf| leaf.0).collect();
    let mut rows: Vec<_> = clearpage::primitives().iter().map(|p| p.name().to_owned()).collect();
    assert_eq!(rows.pop().as_deref(), Some("generic"));
    files.sort();
    rows.sort();
    assert_eq!(rows, files);
}
