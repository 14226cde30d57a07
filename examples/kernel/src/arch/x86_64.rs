//! x86_64: booted by QEMU through a PVH note, on a PC.

use core::arch::{asm, global_asm};
use core::sync::atomic::Ordering::Relaxed;

use clearpage::cpu::Facts;

use x86_64::VirtAddr;
pub use x86_64::instructions::interrupts::{disable as stop_timer, without_interrupts};
use x86_64::instructions::{interrupts, port::Port, tables, tlb};
use x86_64::registers::control::Cr2;
use x86_64::registers::model_specific::GsBase;
use x86_64::structures::DescriptorTablePointer;

use crate::memory::CPUS;
use crate::paging::{Leaf, Memory};
use crate::{tick, trap};

pub const RAM: u64 = 0;
/// The interrupt controller of each CPU, at the same address.
pub const DEVICES: &[(usize, usize)] = &[(LAPIC, 4096)];
const LAPIC: usize = 0xfee0_0000;

// The entry of the first CPU is 32-bit code. CR4.OSFXSR and OSXSAVE stay 0 and CR0.EM is 1, so that
// every vector and floating-point instruction faults.
global_asm!(
    r#"
    .section .note.pvh, "a", @note
    .balign 4
    .long 4, 4, 18 // sizes of name and value; XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .long start

    .section .data
    .balign 4096
boot_pml4:
    .quad boot_pdpt + 3 // present, writable
    .balign 4096
boot_pdpt:
    .quad boot_pd + 3
    .balign 4096
boot_pd: // the first GiB at its own address
    .set at, 0x83 // present, writable, 2 MiB
    .rept 512
    .quad at
    .set at, at + 0x200000
    .endr
gdt: .quad 0, 0x00af9b000000ffff, 0x00cf9b000000ffff // null; 64-bit code; 32-bit code

    .section .bss
    .balign 4096
    .skip 65536
stack_top:
    .skip 65536
second_stack_top:

    .section .text.start, "ax"
    .code16
trampoline: // of the second CPU: `start_second` copies it below 1 MiB
    cli
    lgdtl %cs:gdt_pointer - trampoline
    movl $0x11, %eax // ET, PE
    movl %eax, %cr0
    ljmpl $16, $second_start
gdt_pointer:
    .word 23
    .long gdt
    .code32
second_start:
    movl $second_stack_top, %esp
    movl $second, %ebx
    jmp 2f
    .globl start
start:
    cli
    cld
    lgdt gdt_pointer
    movl $stack_top, %esp
    movl $main, %ebx
2:  movl $boot_pml4, %eax
    movl %eax, %cr3
    movl $0x20, %eax // PAE
    movl %eax, %cr4
    movl $0xc0000080, %ecx // EFER
    rdmsr
    orl $0x900, %eax // LME, NXE
    wrmsr
    movl $0x80010035, %eax // PG, WP, NE, ET, EM, PE
    movl %eax, %cr0
    ljmp $8, $3f
    .code64
3:  xorl %eax, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl %esp, %esp // the upper half is undefined
    movl %ebx, %ebx
    callq *%rbx
"#,
    options(att_syntax)
);

// Entries of exceptions and interrupts. The CPU does not clear the direction flag, but Rust code and
// the string instructions of the library expect it clear: `cld` before the call.
global_asm!(
    r#"
    .text
    .balign 16
vectors:
    .set vector, 0
    .rept {vectors}
    .balign 16
    .if ({with_error_code} >> vector) & 1 == 0
    pushq $0
    .endif
    pushq $vector
    jmp common
    .set vector, vector + 1
    .endr
common:
    .irp register, rax, rcx, rdx, rsi, rdi, r8, r9, r10, r11
    pushq %\register
    .endr
    .if {cld}
    cld
    .endif
    movq %rsp, %rdi
    callq {trap}
    .irp register, r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax
    popq %\register
    .endr
    addq $16, %rsp
    iretq
"#,
    vectors = const VECTORS,
    with_error_code = const 0x6022_7d00, // 8, 10 to 14, 17, 21, 29, 30
    cld = const !cfg!(feature = "mutant-no-cld") as u8,
    trap = sym trap_entry,
    options(att_syntax)
);

unsafe extern "C" {
    static trampoline: [u8; 64];
    static vectors: u8;
}

const VECTORS: usize = 33;
/// The timer, the first interrupt of the PIC.
const TIMER: usize = 32;

/// What an entry pushes, and the CPU before it.
#[repr(C)]
struct Frame {
    registers: [usize; 9],
    vector: usize,
    error: usize,
    rip: usize,
}

extern "C" fn trap_entry(frame: &mut Frame) {
    if frame.vector == TIMER {
        out(0x20, 0x20); // end of interrupt
        tick::tick();
    } else {
        frame.rip = trap::exception(frame.vector, Cr2::read_raw() as usize, frame.rip);
    }
}

/// Sets the number of this CPU, and loads the interrupt descriptor table.
pub fn init(cpu: usize) {
    static NUMBERS: [usize; CPUS] = [0, 1];
    GsBase::write(VirtAddr::from_ptr(&NUMBERS[cpu]));
    static mut TABLE: [[u64; 2]; VECTORS] = [[0; 2]; VECTORS];
    let table = (&raw mut TABLE).cast::<[u64; 2]>();
    if cpu == 0 {
        for vector in 0..VECTORS {
            let entry = (&raw const vectors).addr() as u64 + 16 * vector as u64;
            // Present interrupt gate, code segment 8.
            let low = entry & 0xffff | 8 << 16 | 0x8e00 << 32 | (entry & 0xffff_0000) << 32;
            // SAFETY: an entry of the table, which the first CPU alone writes.
            unsafe { table.add(vector).write([low, entry >> 32]) };
        }
    }
    let base = VirtAddr::from_ptr(table);
    // SAFETY: the table is complete and static.
    unsafe { tables::lidt(&DescriptorTablePointer { limit: 16 * VECTORS as u16 - 1, base }) };
}

/// Starts the second CPU by INIT and twice a start-up interrupt, with the waits of Intel SDM volume 3, "MP
/// Initialization"; a write to port 0x80 takes about 1 us.
pub fn start_second() {
    const PAGE: usize = 0x8000;
    // SAFETY: nothing uses that page of RAM, nor the register.
    unsafe {
        let page = core::ptr::with_exposed_provenance_mut::<[u8; 64]>(PAGE);
        page.copy_from_nonoverlapping(&raw const trampoline, 1);
        let command = core::ptr::with_exposed_provenance_mut::<u32>(LAPIC + 0x300);
        for start in [0x500, 0x600 | PAGE as u32 >> 12, 0x600 | PAGE as u32 >> 12] {
            command.write_volatile(0xc_4000 | start); // to all other CPUs
            (0..10_000).for_each(|_| out(0x80, 0));
        }
    }
}

/// CPUID reports all facts to the library.
pub fn known_to_the_kernel(detected: Facts) -> Facts {
    detected
}

/// Returns the entry that points to a table.
pub fn table_entry(physical: u64) -> u64 {
    physical | 3 // present, writable
}

/// Returns the entry of a page or a block.
pub fn leaf_entry(physical: u64, leaf: Leaf, memory: Memory) -> u64 {
    let size = if leaf == Leaf::Block { 1 << 7 } else { 0 };
    let (pcd, nx) = (memory == Memory::Device, memory != Memory::Kernel);
    // Present, writable, accessed, dirty.
    physical | 0x63 | size | u64::from(pcd) << 4 | u64::from(nx) << 63
}

/// Returns the address in an entry.
pub fn entry_address(entry: u64) -> u64 {
    entry & 0x000f_ffff_ffff_f000
}

/// An invalid entry is never cached: Intel SDM volume 3, "Invalidation of TLBs and Paging-Structure
/// Caches".
pub fn entries_added(_: impl Iterator<Item = usize>) {}

pub fn invalidate(addresses: impl Iterator<Item = usize>) {
    addresses.for_each(|address| tlb::flush(VirtAddr::new(address as u64)));
}

/// Returns the number of this CPU.
pub fn cpu() -> usize {
    let number;
    // SAFETY: `init` set the base of GS to it.
    unsafe { asm!("mov {}, gs:[0]", out(reg) number, options(readonly, nostack, preserves_flags)) };
    number
}

/// # Safety
/// The tables map the kernel where it is.
pub unsafe fn activate(root: u64) {
    // SAFETY: the caller's promise.
    unsafe { asm!("mov cr3, {}", in(reg) root, options(nostack, preserves_flags)) };
}

/// Runs an instruction that may raise an exception; `trap::attempt` reports it.
macro_rules! attempt {
    ($instruction:literal $(, $operand:ident = $value:expr)*) => {
        // SAFETY: an exception continues after the instruction, which changes only RAX otherwise.
        unsafe {
            asm!(
                "lea {resume}, [rip + 2f]",
                "mov [{place}], {resume}",
                $instruction,
                "2:",
                resume = out(reg) _,
                place = in(reg) trap::RESUME[cpu()].as_ptr(),
                $($operand = in(reg) $value,)*
                out("rax") _,
            )
        }
    };
}

pub fn attempt_read(address: usize) {
    attempt!("mov al, [{address}]", address = address);
}

pub fn attempt_jump(address: usize) {
    attempt!("jmp {address}", address = address);
}

/// The exception of an instruction fetch without the right: #PF.
pub const NOT_EXECUTABLE: usize = 0xe;

/// Instructions, and the exceptions that they must raise: #UD, #NM.
pub const VECTOR_INSTRUCTIONS: &[(&str, usize, fn())] = &[
    ("xorps", 6, || attempt!("xorps xmm0, xmm0")),
    ("vxorps", 6, || attempt!("vxorps xmm0, xmm0, xmm0")),
    ("fld1", 7, || attempt!("fld1")),
];

/// Writes to a port of a device of this file, none of which accesses memory.
fn out(port: u16, value: u8) {
    // SAFETY: as above.
    unsafe { Port::new(port).write(value) };
}

/// Starts channel 0 of the PIT, through the PIC.
pub fn start_timer() {
    // The PIC: vectors from `TIMER` on, all but the timer masked.
    let divisor = (1_193_182 / tick::RATE).to_le_bytes();
    let pic = [(0x20, 0x11), (0x21, TIMER as u8), (0x21, 4), (0x21, 1), (0x21, 0xfe)];
    let pit = [(0x43, 0x34), (0x40, divisor[0]), (0x40, divisor[1])];
    for (port, value) in pic.into_iter().chain(pit) {
        out(port, value);
    }
    interrupts::enable();
}

/// Waits with the direction flag set until an interrupt has cleared a frame, as a kernel's `memmove`
/// might be interrupted. Without `cld` in the entry, that clear would go backwards.
pub fn interrupt_backwards() {
    let cleared = tick::CLEARED.load(Relaxed);
    // SAFETY: the block restores the flag.
    unsafe {
        asm!(
            "std",
            "2: pause",
            "cmp [{counter}], {cleared}",
            "je 2b",
            "cld",
            counter = in(reg) tick::CLEARED.as_ptr(),
            cleared = in(reg) cleared,
        );
    }
}

/// Counts instructions, under `-icount`.
pub fn counter() -> u64 {
    // SAFETY: CR4.TSD is 0.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// Writes a byte to the first serial line.
pub fn put(byte: u8) {
    out(0x3f8, byte); // QEMU's line is ready at any time
}

/// Ends QEMU, with status 0 or 33.
pub fn exit(success: bool) -> ! {
    if success {
        // SAFETY: powers the machine off by ACPI.
        unsafe { Port::<u16>::new(0x604).write(0x2000) };
    } else {
        out(0xf4, 16); // QEMU's debug device
    }
    loop {
        core::hint::spin_loop();
    }
}
