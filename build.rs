//! Turns what the environment asks for (page size, forced primitive) into what the compiler
//! sees. Compiles nothing into the library; for PowerPC it asks the compiler a question.

use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs};

const PAGE_SHIFT: &str = "CLEARPAGE_PAGE_SHIFT";
const SHIFTS: [&str; 3] = ["12", "14", "16"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-env=CLEARPAGE_ARCH={}", env::var("CARGO_CFG_TARGET_ARCH").unwrap());
    page_shift();
    forced_primitive();
    powerpc_asm();
    address_sanitizer();
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

/// Inline assembly for PowerPC is stable since Rust 1.95, unstable before. Where the compiler takes
/// it: `cfg(clearpage_ppc_asm)`, and with it `cfg(clearpage_ppc_asm_feature)` where it takes it
/// only as an unstable feature.
fn powerpc_asm() {
    println!("cargo::rustc-check-cfg=cfg(clearpage_ppc_asm, clearpage_ppc_asm_feature)");
    if env::var("CARGO_CFG_TARGET_ARCH").as_deref() != Ok("powerpc64") {
        return;
    }
    println!("cargo::rerun-if-env-changed=RUSTC_BOOTSTRAP");
    let body = "#![no_std] pub fn nop() { unsafe { core::arch::asm!(\"nop\") } }";
    if compiles(body) {
        println!("cargo::rustc-cfg=clearpage_ppc_asm");
    } else if compiles(&format!("#![feature(asm_experimental_arch)] {body}")) {
        println!("cargo::rustc-cfg=clearpage_ppc_asm");
        println!("cargo::rustc-cfg=clearpage_ppc_asm_feature");
    }
}

/// `-Zsanitizer=address` becomes `cfg(clearpage_asan)`: the cfg of rustc's own is unstable.
fn address_sanitizer() {
    println!("cargo::rustc-check-cfg=cfg(clearpage_asan)");
    let sanitizers = env::var("CARGO_CFG_SANITIZE").unwrap_or_default();
    if sanitizers.split(',').any(|sanitizer| sanitizer == "address") {
        println!("cargo::rustc-cfg=clearpage_asan");
    }
}

/// Whether `source` is a library for this build's compiler, target and flags. It needs the
/// target's `core` as installed: one that cargo is building itself is not found.
fn compiles(source: &str) -> bool {
    let var = |name| env::var(name).expect("cargo sets it");
    let dir = var("OUT_DIR");
    let file = Path::new(&dir).join("question.rs");
    fs::write(&file, source).expect("OUT_DIR is there to be written to");
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let mut rustc = Command::new(var("RUSTC"));
    // The name of the library itself: RUSTC_BOOTSTRAP may be for it alone.
    rustc.args(["--crate-name", "clearpage", "--crate-type", "lib", "--emit", "metadata"]);
    rustc.args(["--target", &var("TARGET"), "--out-dir", &dir]);
    rustc.args(flags.split('\x1f').filter(|flag| !flag.is_empty())).arg(file);
    rustc.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
