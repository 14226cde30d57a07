//! Imports point down, as ARCHITECTURE.md shows: no room of the library imports one above it.

use std::fs;
use std::path::Path;

/// The rooms of src/, from the bottom upwards. `arch/` is the backend of those below `checks`: it
/// imports them, and any room may import it.
const ROOMS: [&str; 14] = [
    "intent",
    "page",
    "settings",
    "env",
    "cpu",
    "primitive",
    "tuning",
    "checks",
    "door",
    "plan",
    "raw",
    "clear",
    "highmem",
    "hooks",
];

/// Returns the text of all Rust files of a room, without comments and unit tests.
fn text(path: &Path) -> String {
    if path.is_dir() {
        let entries = fs::read_dir(path).unwrap().map(|entry| text(&entry.unwrap().path()));
        return entries.collect();
    }
    let text = fs::read_to_string(path).unwrap();
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    code.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .map(|line| format!("{line}\n"))
        .collect()
}

/// Returns the names after `crate::`, and those in `use crate::{...}`.
fn imports(text: &str) -> Vec<&str> {
    let word =
        |text: &str| text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let mut names = Vec::new();
    for after in text.split("crate::").skip(1) {
        match after.strip_prefix('{') {
            Some(group) => {
                let group = &group[..group.find(';').unwrap()];
                names.extend(group.split(", ").map(|name| &name[..word(name)]));
            }
            None => names.push(&after[..word(after)]),
        }
    }
    names
}

#[test]
fn no_room_imports_one_above_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let rank = |name: &str| ROOMS.iter().position(|room| *room == name);
    let mut seen = 0;
    for (own, room) in ROOMS.iter().enumerate() {
        let file = root.join("src").join(format!("{room}.rs"));
        let path = if file.exists() { file } else { root.join("src").join(room) };
        for name in imports(&text(&path)) {
            seen += 1;
            let below = name == "arch" || rank(name).is_some_and(|rank| rank <= own);
            assert!(below, "src/{room} imports {name}");
        }
    }
    let own = rank("checks").unwrap();
    for name in imports(&text(&root.join("arch"))) {
        let below = rank(name).is_some_and(|rank| rank < own);
        assert!(name == "arch" || below, "arch/ imports {name}");
    }
    assert!(seen > 50, "{seen} imports were found");
}

#[test]
fn every_room_has_its_place() {
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(stem == "lib" || ROOMS.contains(&&*stem), "src/{stem} is missing in ROOMS");
    }
}
