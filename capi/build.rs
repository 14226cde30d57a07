//! Gives the shared library its SONAME: `libclearpage.so.` and the number of the ABI.

use std::env;

/// Increases when a function is removed or changes; new functions leave it.
const ABI: u32 = 0;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // As cargo reports it: the systems that use ELF and GNU's linker options.
    let os = env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    if ["android", "freebsd", "linux", "netbsd"].contains(&&*os) {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libclearpage.so.{ABI}");
        // memcpy and strlen: a library without std would not name its libc.
        println!("cargo::rustc-cdylib-link-arg=-lc");
    }
}
