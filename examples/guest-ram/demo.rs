//! Clears ranges of a guest with three regions, of which two are adjacent and one follows a hole.
//! Prints the state of every page.

use std::error::Error;

use clearpage::highmem::{Frame, FrameRange};
use clearpage::{Intent, PAGE_SIZE};
use clearpage_guest_ram::GuestRam;
use vm_memory::bitmap::{AtomicBitmap, Bitmap};
use vm_memory::{
    Address, Bytes, GuestAddress, GuestMemoryBackend, GuestMemoryMmap, GuestMemoryRegion,
};

fn main() -> Result<(), Box<dyn Error>> {
    let address = |page: usize| GuestAddress((page * PAGE_SIZE) as u64);
    let ranges =
        [(0, 4), (4, 6), (14, 4)].map(|(page, npages)| (address(page), npages * PAGE_SIZE));
    let memory = GuestMemoryMmap::<AtomicBitmap>::from_ranges(&ranges)?;
    for region in memory.iter() {
        memory.write_slice(&vec![0xa5; region.len() as usize], region.start_addr())?;
        (**region).bitmap().reset();
    }

    // SAFETY: the regions are distinct memory, and only vm-memory accesses them.
    let ram = unsafe { GuestRam::new(&memory) };
    for (page, npages) in [(2, 5), (8, 8), (16, 2)] {
        let frames = FrameRange::new(Frame::containing(address(page).raw_value()), npages)?;
        match ram.clear(frames, Intent::Cold) {
            Ok(()) => println!("{frames}: cleared"),
            Err(error) => println!("{frames}: {error}"),
        }
    }

    for region in memory.iter() {
        println!("region at {:#x}:", region.start_addr().raw_value());
        for offset in (0..region.len()).step_by(PAGE_SIZE) {
            let start = region.start_addr().unchecked_add(offset);
            let mut page = vec![0; PAGE_SIZE];
            memory.read_slice(&mut page, start)?;
            let zero = if page.iter().all(|&byte| byte == 0) { "zero" } else { "unchanged" };
            let dirty = if region.bitmap().dirty_at(offset as usize) { "dirty" } else { "clean" };
            println!("  {}: {zero}, {dirty}", Frame::containing(start.raw_value()));
        }
    }
    Ok(())
}
