//! riscv64 in S-mode: booted by OpenSBI on QEMU's virt machine, with Sv48.

use core::arch::{asm, global_asm};

use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use clearpage::cpu::{Facts, Feature};

use crate::paging::{Leaf, Memory};
use crate::{tick, trap};

pub const RAM: u64 = 0x8000_0000;
/// The test device, which ends QEMU.
pub const DEVICES: &[(usize, usize)] = &[(TEST, 4096)];
const TEST: usize = 0x10_0000;
// sstatus.FS and VS are 0, so that floating-point and vector instructions fault.
global_asm!(
    r#"
    .section .bss
    .balign 4096
    .skip 65536
stack_top:

    .section .text.start, "ax"
    .globl start
start:
    csrw sie, zero
    li t0, 0x6600
    csrc sstatus, t0
    la sp, stack_top
    la t0, trap_vector
    csrw stvec, t0
    la t0, {tree}
    sd a1, 0(t0)
    call main

    .balign 4
trap_vector:
    addi sp, sp, -160
    sd ra, 0(sp)
    sd t0, 8(sp)
    sd t1, 16(sp)
    sd t2, 24(sp)
    sd t3, 32(sp)
    sd t4, 40(sp)
    sd t5, 48(sp)
    sd t6, 56(sp)
    sd a0, 64(sp)
    sd a1, 72(sp)
    sd a2, 80(sp)
    sd a3, 88(sp)
    sd a4, 96(sp)
    sd a5, 104(sp)
    sd a6, 112(sp)
    sd a7, 120(sp)
    csrr a0, scause
    csrr a1, stval
    csrr a2, sepc
    csrr t0, sstatus
    sd t0, 128(sp)
    call {trap}
    csrw sepc, a0
    ld t0, 128(sp)
    csrw sstatus, t0
    ld ra, 0(sp)
    ld t0, 8(sp)
    ld t1, 16(sp)
    ld t2, 24(sp)
    ld t3, 32(sp)
    ld t4, 40(sp)
    ld t5, 48(sp)
    ld t6, 56(sp)
    ld a0, 64(sp)
    ld a1, 72(sp)
    ld a2, 80(sp)
    ld a3, 88(sp)
    ld a4, 96(sp)
    ld a5, 104(sp)
    ld a6, 112(sp)
    ld a7, 120(sp)
    addi sp, sp, 160
    sret
"#,
    trap = sym trap_entry,
    tree = sym DEVICE_TREE,
);

const TIMER: usize = 1 << 63 | 5;

/// Returns the address to continue at.
extern "C" fn trap_entry(cause: usize, address: usize, pc: usize) -> usize {
    if cause == TIMER {
        next_tick();
        tick::tick();
        pc
    } else {
        trap::exception(cause, address, pc)
    }
}

/// The entry of the kernel has set up all.
pub fn init() {}

/// Adds Zicboz, and the size of its block, which only the device tree reports. The firmware has
/// enabled the instruction for S-mode (menvcfg.CBZE).
pub fn known_to_the_kernel(mut facts: Facts) -> Facts {
    let address = DEVICE_TREE.load(Relaxed);
    // SAFETY: the firmware passed its address, and nothing has written there.
    let tree = unsafe { fdt::Fdt::from_ptr(core::ptr::with_exposed_provenance(address)) }.unwrap();
    let cpu = tree.cpus().next().unwrap();
    let has = |extension: &str| {
        let all = cpu.property("riscv,isa-extensions").and_then(|all| all.as_str());
        all.is_some_and(|all| all.split('\0').any(|name| name == extension))
    };
    let block = cpu.property("riscv,cboz-block-size").and_then(|size| size.as_usize());
    if let (true, Some(block)) = (has("zicboz"), block) {
        facts.features = facts.features.with(Feature::Zicboz);
        facts.block = block;
    }
    facts
}

/// The physical address of the device tree.
static DEVICE_TREE: AtomicUsize = AtomicUsize::new(0);

/// Returns the entry that points to a table.
pub fn table_entry(physical: u64) -> u64 {
    physical >> 2 | 1 // valid
}

/// Returns the entry of a page or a block. Which memory is a device is a property of its address.
pub fn leaf_entry(physical: u64, _: Leaf, memory: Memory) -> u64 {
    let executable = u64::from(memory == Memory::Kernel) << 3;
    physical >> 2 | executable | 0xc7 // dirty, accessed, writable, readable, valid
}

/// Returns the address in an entry.
pub fn entry_address(entry: u64) -> u64 {
    entry >> 10 << 12
}

/// A CPU may cache an invalid entry: privileged specification, SFENCE.VMA.
pub fn entry_added(address: usize) {
    invalidate(address);
}

pub fn invalidate(address: usize) {
    // SAFETY: discards a translation.
    unsafe { asm!("sfence.vma {}, zero", in(reg) address, options(nostack, preserves_flags)) };
}

/// # Safety
/// The tables map the kernel where it is.
pub unsafe fn activate(root: u64) {
    let sv48 = 9 << 60 | root >> 12;
    // SAFETY: the caller's promise.
    unsafe { asm!("csrw satp, {}", "sfence.vma", in(reg) sv48, options(nostack, preserves_flags)) };
}

/// sstatus.SIE.
const ENABLED: usize = 2;

pub fn cpu() -> usize {
    0
}

pub fn without_interrupts<T>(run: impl FnOnce() -> T) -> T {
    let before: usize;
    // SAFETY: the flag is restored below.
    unsafe { asm!("csrrci {}, sstatus, 2", out(reg) before) };
    let result = run();
    if before & ENABLED != 0 {
        // SAFETY: interrupts were enabled before.
        unsafe { asm!("csrsi sstatus, 2") };
    }
    result
}

/// Runs an instruction that may raise an exception; `trap::attempted` reports it.
macro_rules! attempt {
    ($instruction:literal $(, $operand:ident = $value:expr)*) => {
        // SAFETY: an exception continues after the instruction, which changes only T0 otherwise.
        unsafe {
            asm!(
                ".option push",
                ".option arch, +v",
                "la t0, 2f",
                "sd t0, ({place})",
                $instruction,
                "2:",
                ".option pop",
                place = in(reg) trap::RESUME.as_ptr(),
                $($operand = in(reg) $value,)*
                out("t0") _,
            )
        }
    };
}

pub fn attempt_read(address: usize) {
    attempt!("lbu t0, ({address})", address = address);
}

/// Instructions, and the exception that they must raise: an illegal instruction.
pub const VECTOR_INSTRUCTIONS: &[(&str, usize, fn())] = &[
    ("fmv.d.x", 2, || attempt!("fmv.d.x f0, zero")),
    ("vsetvli", 2, || attempt!("vsetvli t0, zero, e8, m1, ta, ma")),
];

/// Calls the firmware.
fn sbi(extension: usize, argument: usize) {
    // SAFETY: function 0 of the extensions used here writes to no memory of the kernel.
    unsafe {
        asm!(
            "ecall",
            inout("a0") argument => _,
            out("a1") _,
            in("a6") 0,
            in("a7") extension,
        )
    };
}

fn next_tick() {
    /// Of the time register of QEMU's virt machine.
    const HZ: u64 = 10_000_000;
    let now: usize;
    // SAFETY: reads a register.
    unsafe { asm!("rdtime {}", out(reg) now) };
    sbi(0x5449_4d45, now + (HZ / tick::RATE) as usize);
}

pub fn start_timer() {
    next_tick();
    // SAFETY: enables the timer's interrupt, and interrupts.
    unsafe { asm!("csrs sie, {}", "csrsi sstatus, 2", in(reg) 1 << 5) };
}

pub fn stop_timer() {
    // SAFETY: disables interrupts.
    unsafe { asm!("csrci sstatus, 2") };
}

/// This ISA has no direction flag.
pub fn interrupt_backwards() {}

/// The firmware has enabled the counter of instructions.
pub fn start_counter() {}

pub fn counter() -> u64 {
    let count;
    // SAFETY: reads a counter.
    unsafe { asm!("rdinstret {}", out(reg) count) };
    count
}

/// Writes a byte to the console of the firmware.
pub fn put(byte: u8) {
    sbi(1, byte.into());
}

/// Ends QEMU with status 0 or 33.
pub fn exit(success: bool) -> ! {
    let value = if success { 0x5555 } else { 33 << 16 | 0x3333 };
    // SAFETY: the register of the test device, mapped at its own address.
    unsafe { core::ptr::with_exposed_provenance_mut::<u32>(TEST).write_volatile(value) };
    loop {
        core::hint::spin_loop();
    }
}
