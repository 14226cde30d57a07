//! Turns what the environment asks for (page size, forced primitive) into what the compiler
//! sees. Compiles nothing.

use std::env;

const PAGE_SHIFT: &str = "CLEARPAGE_PAGE_SHIFT";
const SHIFTS: [&str; 3] = ["12", "14", "16"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    page_shift();
    forced_primitive();
}

/// `CLEARPAGE_PAGE_SHIFT=12|14|16` becomes `cfg(clearpage_page_shift = "..")`.
fn page_shift() {
    println!("cargo::rerun-if-env-changed={PAGE_SHIFT}");
    println!(
        "cargo::rustc-check-cfg=cfg(clearpage_page_shift, values({}))",
        SHIFTS.map(|s| format!("\"{s}\"")).join(", ")
    );
    let shift = match env::var(PAGE_SHIFT) {
        Ok(shift) => shift,
        Err(env::VarError::NotPresent) => SHIFTS[0].to_owned(),
        Err(env::VarError::NotUnicode(bytes)) => bytes.to_string_lossy().into_owned(),
    };
    if SHIFTS.contains(&shift.as_str()) {
        println!("cargo::rustc-cfg=clearpage_page_shift=\"{shift}\"");
    } else {
        println!(
            "cargo::error={PAGE_SHIFT}={shift:?} is not a page size: allowed are 12 (4 KiB \
             pages, the default), 14 (16 KiB) and 16 (64 KiB)"
        );
    }
}

/// `--cfg clearpage_force="name"` becomes `env!("CLEARPAGE_FORCED")`, empty where nothing is
/// forced: an environment variable can be looked up in the table in a constant, a cfg cannot.
fn forced_primitive() {
    println!("cargo::rustc-check-cfg=cfg(clearpage_force, values(any()))");
    let forced = env::var("CARGO_CFG_CLEARPAGE_FORCE").unwrap_or_default();
    println!("cargo::rustc-env=CLEARPAGE_FORCED={forced}");
}
