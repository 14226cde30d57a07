//! Passes the linker script and the load address, which depends on the machine.

fn main() {
    let dir = std::env::var("CARGO_MANIFEST_DIR").unwrap();
    let base = match &*std::env::var("CARGO_CFG_TARGET_ARCH").unwrap() {
        "x86_64" => "0x100000",
        "aarch64" => "0x40080000",
        "riscv64" => "0x80200000", // after OpenSBI
        other => panic!("no kernel for {other}; expected x86_64, aarch64 or riscv64"),
    };
    println!("cargo::rustc-link-arg=-T{dir}/kernel.ld");
    println!("cargo::rustc-link-arg=--defsym=BASE={base}");
    println!("cargo::rerun-if-changed=kernel.ld");
}
