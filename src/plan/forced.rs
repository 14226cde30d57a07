//! Builds for one primitive, with `--cfg clearpage_force="name"`: the choice is a constant.

use crate::arch::PRIMITIVES;
use crate::primitive::{Primitive, named};

/// The name that the cfg gives; empty without it.
const NAME: &str = env!("CLEARPAGE_FORCED");

/// The primitive that the build is for. It is a constant, so that the compiler calls it directly.
pub(super) const FORCED: Option<&'static Primitive> = row(NAME);

/// Returns the primitive of a build with `--cfg clearpage_force="name"`, which every clear uses.
pub const fn built_for() -> Option<&'static Primitive> {
    FORCED
}

const fn row(name: &str) -> Option<&'static Primitive> {
    if name.is_empty() {
        return None;
    }
    match named(name) {
        None => refuse("clearpage_force names no primitive of this target, which has:"),
        Some(row) if row.sets_tags() => {
            refuse("clearpage_force names a primitive that sets memory tags; allowed are:")
        }
        found => found,
    }
}

/// Panics with `why` and the allowed names.
const fn refuse(why: &str) -> ! {
    let (mut text, mut len) = ([0; 1024], 0);
    push(&mut text, &mut len, why);
    let mut i = 0;
    while i < PRIMITIVES.len() {
        if !PRIMITIVES[i].sets_tags() {
            push(&mut text, &mut len, " ");
            push(&mut text, &mut len, PRIMITIVES[i].name());
        }
        i += 1;
    }
    match core::str::from_utf8(text.split_at(len).0) {
        Ok(text) => panic!("{}", text),
        Err(_) => unreachable!(),
    }
}

const fn push(text: &mut [u8; 1024], len: &mut usize, more: &str) {
    let mut i = 0;
    while i < more.len() {
        text[*len] = more.as_bytes()[i];
        *len += 1;
        i += 1;
    }
}
