//! Checks that a primitive is one file and two lines, and that docs/primitives.md lists them.

use std::fs;
use std::path::{Path, PathBuf};

fn isas() -> Vec<PathBuf> {
    let arch = Path::new(env!("CARGO_MANIFEST_DIR")).join("arch");
    let entries = fs::read_dir(arch).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_dir()).collect()
}

/// The files of an ISA's folder other than `mod.rs`: path in the folder as a module, and text.
fn files(isa: &Path) -> Vec<(String, String)> {
    let mut paths = vec![];
    sources(isa, &isa.join("mod.rs"), &mut paths);
    paths
        .into_iter()
        .map(|path| {
            let module = path.strip_prefix(isa).unwrap().with_extension("");
            let names: Vec<_> = module.iter().map(|name| name.to_str().unwrap()).collect();
            (names.join("::"), fs::read_to_string(path).unwrap())
        })
        .map(|(module, text)| (module.trim_end_matches("::mod").to_owned(), text))
        .collect()
}

/// The files that contain a primitive; the others are what leaves share.
fn leaves(isa: &Path) -> Vec<(String, String)> {
    files(isa).into_iter().filter(|(_, text)| text.contains("PRIMITIVE: Primitive =")).collect()
}

fn stem(module: &str) -> &str {
    module.rsplit("::").next().unwrap()
}

fn table(isa: &Path) -> String {
    fs::read_to_string(isa.join("mod.rs")).unwrap()
}

#[test]
fn every_file_is_a_module_and_every_leaf_has_a_row() {
    for isa in isas() {
        let table = table(&isa);
        let files = files(&isa);
        let all: String = files.iter().map(|(_, text)| &**text).chain([&*table]).collect();
        for (module, _) in &files {
            let stem = stem(module);
            assert!(all.contains(&format!("mod {stem};")), "{isa:?}: no `mod {stem};`");
        }
        for (module, _) in leaves(&isa) {
            assert!(
                table.contains(&format!("{module}::PRIMITIVE")),
                "{isa:?}: no row for {module}"
            );
        }
        assert!(!leaves(&isa).is_empty(), "{isa:?}: no primitive");
    }
}

#[test]
fn every_leaf_states_its_assumptions_and_its_name() {
    for isa in isas() {
        for (module, text) in leaves(&isa) {
            let stem = stem(&module);
            assert!(text.contains("//! Assumptions"), "{isa:?}: {stem} states no assumptions");
            // `generic` is named after its folder.
            let named = text.contains(&format!("Primitive::plain(c\"{stem}\",")) || stem == "words";
            assert!(named, "{isa:?}: {stem} has another name");
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

/// Returns the rows of this build in the format of docs/primitives.md and `clearpage list --markdown`.
#[cfg(all(feature = "std", not(miri)))]
fn markdown() -> String {
    use clearpage::cpu::Feature;

    let mut text = "\
| primitive | stores | registers | needs | block |
|---|---|---|---|--:|
"
    .to_owned();
    for row in clearpage::primitives() {
        let store = row.store().name();
        let registers = row.registers().name();
        let needs = row.needs().map_or(String::new(), |feature| format!("{} ", feature.name()));
        let block = match row.needs() {
            Some(Feature::DcZva | Feature::Zicboz | Feature::Dcbz) => "of the CPU".to_owned(),
            _ => row.block().to_string(),
        };
        let name = row.name();
        text += &format!("| `{name}` | {store} | {registers} | {needs}| {block} |\n");
    }
    text
}

/// Builds without vectors or bulk-memory, without inline asm or under Miri lack rows.
#[test]
#[cfg(all(feature = "std", not(miri)))]
fn docs_list_the_rows_of_this_isa() {
    let all = match std::env::consts::ARCH {
        "x86" | "x86_64" => cfg!(target_feature = "sse2"),
        "wasm32" => cfg!(target_feature = "bulk-memory"),
        _ => true,
    };
    if !all || cfg!(clearpage_isa = "generic") {
        return;
    }
    let isa = std::env::consts::ARCH;
    let docs = include_str!("../docs/primitives.md");
    let section = docs.split("\n## ").find_map(|section| section.strip_prefix(&format!("{isa}\n")));
    let rows = section.map(str::trim).unwrap_or_default();
    let expected = markdown();
    assert!(rows == expected.trim(), "docs/primitives.md should have:\n## {isa}\n\n{expected}");
}

/// The rows are the leaves of this target's folder, except those that a `cfg` keeps out of this
/// build, followed by `generic`.
#[test]
fn rows_are_the_leaves_of_the_folder() {
    let arch = match std::env::consts::ARCH {
        "x86_64" => "x86",
        arch => arch,
    };
    let isa = Path::new(env!("CARGO_MANIFEST_DIR")).join("arch").join(arch);
    let mut rows: Vec<_> = clearpage::primitives().iter().map(|p| p.name()).collect();
    assert_eq!(rows.pop(), Some("generic"));
    if cfg!(clearpage_isa = "generic") {
        assert!(rows.is_empty(), "rows without a folder: {rows:?}");
        return;
    }
    let table = table(&isa);
    let leaves = leaves(&isa);
    for row in &rows {
        assert!(leaves.iter().any(|(module, _)| stem(module) == *row), "no file for row {row}");
    }
    let lines: Vec<_> = table.lines().map(str::trim).collect();
    for (module, _) in &leaves {
        let row = format!("{module}::PRIMITIVE");
        // Short tables are written in one line, and then have no conditional rows.
        let at = lines.iter().position(|line| line.trim_end_matches(',') == row);
        let conditional = at.is_some_and(|at| lines[at - 1].starts_with("#[cfg("));
        assert!(conditional || rows.contains(&stem(module)), "no row for {module}");
    }
}
