//! Clears one page by every primitive that this CPU has and by memset, and tells when: who traces
//! this program, as `.ci/instructions` does, finds what was executed between `begin` and `end`.

use std::hint::black_box;
use std::slice;

use clearpage::{PAGE_SIZE, Page};
// To be linked: else memset would be libc's.
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
    // Not known to the compiler, or it would put stores in the place of the call.
    let memset: unsafe extern "C" fn(*mut u8, i32, usize) -> *mut u8 = black_box(memset);
    clear_twice("memset", 1, |page| {
        // SAFETY: the page is valid for writes of its size.
        unsafe { memset(page.as_bytes_mut().as_mut_ptr(), 0, PAGE_SIZE) };
    });
}

/// The first time may look at the CPU and bind symbols; the second is what counts.
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
