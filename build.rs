//! Passes the choices of the build to the compiler: page size, forced primitive, folder of `arch/`.

use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs};

const PAGE_SHIFT: &str = "CLEARPAGE_PAGE_SHIFT";
const SHIFTS: [&str; 3] = ["12", "14", "16"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    required();
    println!("cargo::rustc-env=CLEARPAGE_ARCH={}", env::var("CARGO_CFG_TARGET_ARCH").unwrap());
    page_shift();
    forced_primitive();
    isa();
    address_sanitizer();
}

/// Refuses targets that cannot have what every build needs: pointers that hold lengths of many pages,
/// and atomic loads and stores of pointers for the plan. Compare-and-swap is not needed.
fn required() {
    let var = |name| env::var(name).unwrap_or_default();
    let (target, width) = (var("TARGET"), var("CARGO_CFG_TARGET_POINTER_WIDTH"));
    if !["32", "64"].contains(&&*width) {
        println!("cargo::error={target}: pointers of {width} bits, expected 32 or 64");
    }
    // The cfg of atomics is unstable: a stable compiler prints neither of these two. It has no `core`
    // for the targets in question either.
    let unstable = env::var_os("CARGO_CFG_RELOCATION_MODEL").is_some();
    let atomics = var("CARGO_CFG_TARGET_HAS_ATOMIC_LOAD_STORE");
    if unstable && !atomics.split(',').any(|size| size == "ptr") {
        println!(
            "cargo::error={target}: no atomic loads and stores of pointers, as the plan needs"
        );
    }
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
            "cargo::error={PAGE_SHIFT}={shift:?}: unknown page size, expected 12 (4 KiB pages, the \
             default), 14 (16 KiB) or 16 (64 KiB)"
        );
    }
}

/// `--cfg clearpage_force="name"` becomes `env!("CLEARPAGE_FORCED")`, empty if nothing is
/// forced: a constant can look up an environment variable in the table, but not a cfg.
fn forced_primitive() {
    println!("cargo::rustc-check-cfg=cfg(clearpage_force, values(any()))");
    let forced = env::var("CARGO_CFG_CLEARPAGE_FORCE").unwrap_or_default();
    println!("cargo::rustc-env=CLEARPAGE_FORCED={forced}");
}

/// Selects the folder of `arch/` that serves the target: `cfg(clearpage_isa = "..")`.
fn isa() {
    println!("cargo::rustc-check-cfg=cfg(clearpage_isa, values(any()))");
    println!("cargo::rustc-check-cfg=cfg(clearpage_ppc_asm_feature)");
    let var = |name| env::var(name).unwrap_or_default();
    let arch = var("CARGO_CFG_TARGET_ARCH");
    let isa = match (&*arch, &*var("CARGO_CFG_TARGET_POINTER_WIDTH")) {
        // Miri runs no asm.
        _ if env::var_os("CARGO_CFG_MIRI").is_some() => "generic",
        // x32 and ILP32 have 4-byte pointers, which the loops do not read.
        ("aarch64", "64") => "aarch64",
        ("x86_64", "64") | ("x86", _) => "x86",
        ("arm" | "loongarch64" | "riscv64" | "s390x", _) => &arch,
        ("wasm32", _) => "wasm32",
        ("powerpc64", _) if powerpc_asm() => "powerpc64",
        _ => "generic",
    };
    println!("cargo::rustc-cfg=clearpage_isa=\"{isa}\"");
}

/// Returns whether the compiler accepts inline assembly for PowerPC: stable since Rust 1.95, before
/// that an unstable feature, which `cfg(clearpage_ppc_asm_feature)` enables.
fn powerpc_asm() -> bool {
    println!("cargo::rerun-if-env-changed=RUSTC_BOOTSTRAP");
    let body = "#![no_std] pub fn nop() { unsafe { core::arch::asm!(\"nop\") } }";
    if compiles(body) {
        return true;
    }
    let unstable = compiles(&format!("#![feature(asm_experimental_arch)] {body}"));
    if unstable {
        println!("cargo::rustc-cfg=clearpage_ppc_asm_feature");
    }
    unstable
}

/// `-Zsanitizer=address` becomes `cfg(clearpage_asan)`: rustc's own cfg is unstable.
fn address_sanitizer() {
    println!("cargo::rustc-check-cfg=cfg(clearpage_asan)");
    let sanitizers = env::var("CARGO_CFG_SANITIZE").unwrap_or_default();
    if sanitizers.split(',').any(|sanitizer| sanitizer == "address") {
        println!("cargo::rustc-cfg=clearpage_asan");
    }
}

/// Returns whether `source` compiles with this build's compiler, target and flags. It requires an
/// installed `core`: with `-Zbuild-std` it returns false.
fn compiles(source: &str) -> bool {
    let var = |name| env::var(name).expect("cargo sets this variable");
    let dir = var("OUT_DIR");
    let file = Path::new(&dir).join("probe.rs");
    fs::write(&file, source).expect("OUT_DIR is writable");
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let mut rustc = Command::new(var("RUSTC"));
    // The library's own name, because RUSTC_BOOTSTRAP may list only that crate.
    rustc.args(["--crate-name", "clearpage", "--crate-type", "lib", "--emit", "metadata"]);
    rustc.args(["--target", &var("TARGET"), "--out-dir", &dir]);
    rustc.args(flags.split('\x1f').filter(|flag| !flag.is_empty())).arg(file);
    rustc.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
