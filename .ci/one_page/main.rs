//! Clears one page with each available primitive and with memset, and prints `begin` and `end`
//! around each clear. `.ci/instructions` traces the program and counts the instructions in between.

use std::hint::black_box;
use std::slice;

use clearpage::{PAGE_SIZE, Page};
// Links compiler_builtins, whose memset replaces that of libc.
use compiler_builtins as _;

unsafe extern "C" {
    fn memset(ptr: *mut u8, byte: i32, len: usize) -> *mut u8;
}

fn main() {
    for primitive in clearpage::primitives() {
        match primitive.available() {
            Ok(available) => clear_twice(primitive.name(), primitive.block(), |page| {
                available.clear_pages(slice::from_mut(page))
            }),
            Err(why) => println!("without {} {why}", primitive.name()),
        }
    }
    // Hidden from the compiler, which would otherwise replace the call with stores.
    let memset: unsafe extern "C" fn(*mut u8, i32, usize) -> *mut u8 = black_box(memset);
    clear_twice("memset", 1, |page| {
        // SAFETY: the page is valid for writes of its size.
        unsafe { memset(page.as_bytes_mut().as_mut_ptr(), 0, PAGE_SIZE) };
    });
}

/// Clears twice, because the first clear may detect the CPU and bind symbols. The second one counts.
fn clear_twice(name: &str, block: usize, clear: impl Fn(&mut Page)) {
    let mut page = Page::ZERO;
    for _ in 0..2 {
        page.as_bytes_mut().fill(1);
        println!("begin {name} {block}");
        clear(black_box(&mut page));
        println!("end");
        assert!(black_box(&page).as_bytes().iter().all(|&byte| byte == 0), "{name}");
    }
}
