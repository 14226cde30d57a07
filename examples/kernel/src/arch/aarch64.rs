//! AArch64 at EL1: QEMU's virt machine, with 48-bit addresses and granules of 4 KiB.

use core::arch::{asm, global_asm};

use aarch64_cpu::asm::barrier::{ISH, ISHST, SY, dsb, isb};
use aarch64_cpu::registers::*;
use clearpage::cpu::{Facts, Feature};

use crate::paging::{Leaf, Memory};
use crate::{tick, trap};

pub const RAM: u64 = 0x4000_0000;
/// The interrupt controller (GICv2) and the serial line (PL011).
pub const DEVICES: &[(usize, usize)] = &[(GICD, 0x2_0000), (UART, 4096)];
const GICD: usize = 0x800_0000;
const GICC: usize = 0x801_0000;
const UART: usize = 0x900_0000;
// CPACR_EL1 is 0, so that floating-point, vector and SVE instructions are trapped.
global_asm!(
    r#"
    .section .bss
    .balign 4096
    .skip 65536
stack_top:
    .skip 65536
second_stack_top:

    .macro enter stack, function
    msr daifset, #15
    msr spsel, #1
    msr cpacr_el1, xzr
    adrp x0, \stack
    add x0, x0, :lo12:\stack
    mov sp, x0
    adrp x0, trap_vectors
    add x0, x0, :lo12:trap_vectors
    msr vbar_el1, x0
    isb
    bl \function
    .endm

    .section .text.start, "ax"
    .globl start
start:
    enter stack_top, main
second_start:
    enter second_stack_top, second

    .macro registers op
    \op x0, x1, [sp]
    \op x2, x3, [sp, #16]
    \op x4, x5, [sp, #32]
    \op x6, x7, [sp, #48]
    \op x8, x9, [sp, #64]
    \op x10, x11, [sp, #80]
    \op x12, x13, [sp, #96]
    \op x14, x15, [sp, #112]
    \op x16, x17, [sp, #128]
    \op x18, x30, [sp, #144]
    .endm
    // The third argument: 0 for an exception, 1 for an interrupt of this level; 2 for all others.
    .macro vector kind
    .balign 128
    sub sp, sp, #176
    registers stp
    mov x2, \kind
    b trap_common
    .endm

    .text
    .balign 2048
trap_vectors:
    .rept 4
    vector 2
    .endr
    vector 0
    vector 1
    .rept 10
    vector 2
    .endr
trap_common:
    mrs x0, elr_el1
    mrs x1, spsr_el1
    str x1, [sp, #160]
    mrs x1, far_el1
    bl {trap}
    msr elr_el1, x0
    ldr x1, [sp, #160]
    msr spsr_el1, x1
    registers ldp
    add sp, sp, #176
    eret
"#,
    trap = sym trap_entry,
);

/// Returns the address to continue at.
extern "C" fn trap_entry(pc: usize, address: usize, kind: usize) -> usize {
    if kind == 1 {
        let interrupt = read(GICC + 0xc);
        next_tick();
        tick::tick();
        write(GICC + 0x10, interrupt);
        return pc;
    }
    trap::exception(ESR_EL1.read(ESR_EL1::EC) as usize, address, pc)
}

fn read(register: usize) -> u32 {
    // SAFETY: a register of a device, mapped at its own address.
    unsafe { core::ptr::with_exposed_provenance::<u32>(register).read_volatile() }
}

fn write(register: usize, value: u32) {
    // SAFETY: a register of a device, mapped at its own address.
    unsafe { core::ptr::with_exposed_provenance_mut::<u32>(register).write_volatile(value) }
}

unsafe extern "C" {
    static second_start: u8;
}

/// Starts the counter of cycles.
pub fn init(_: usize) {
    // SAFETY: PMCR_EL0.E and bit 31, the cycle counter, of PMCNTENSET_EL0.
    unsafe {
        asm!("msr pmcntenset_el0, {}", "msr pmcr_el0, {}", "isb", in(reg) 1_u64 << 31, in(reg) 1_u64)
    };
}

/// Starts the second CPU by PSCI, for which QEMU's machine without EL2 uses HVC.
pub fn start_second() {
    let mut result = 0xc400_0003_u64; // CPU_ON
    // SAFETY: the entry needs nothing of its caller.
    unsafe {
        asm!(
            "dsb ish",
            "hvc #0",
            inout("x0") result,
            inout("x1") 1_u64 => _, // its MPIDR_EL1
            inout("x2") &raw const second_start => _,
            inout("x3") 0_u64 => _,
            clobber_abi("C"),
        )
    };
    assert_eq!(result, 0, "no second CPU");
}

/// Adds MOPS, which only an ID register reports: ID_AA64ISAR2_EL1, bits 19 to 16.
pub fn known_to_the_kernel(mut facts: Facts) -> Facts {
    let id: u64;
    // SAFETY: EL1 may read the ID registers. Those of older CPUs are zero.
    unsafe { asm!("mrs {}, s3_0_c0_c6_2", out(reg) id) };
    if id >> 16 & 0xf != 0 {
        facts.features = facts.features.with(Feature::Mops);
    }
    facts
}

/// Returns the entry that points to a table.
pub fn table_entry(physical: u64) -> u64 {
    physical | 3 // valid, table
}

/// Returns the entry of a page or a block. Attributes 0 are those of Normal memory, 1 of a device.
pub fn leaf_entry(physical: u64, leaf: Leaf, memory: Memory) -> u64 {
    let kind = if leaf == Leaf::Page { 3 } else { 1 };
    let device = u64::from(memory == Memory::Device);
    let never_executed = if memory == Memory::Kernel { 1 << 54 } else { 3 << 53 }; // UXN; PXN
    physical | kind | device << 2 | never_executed | 0x700 // accessed, inner shareable
}

/// Returns the address in an entry.
pub fn entry_address(entry: u64) -> u64 {
    entry & 0x0000_ffff_ffff_f000
}

/// The walk of the tables must see the entries: Arm ARM, "Ordering and completion of TLB maintenance".
pub fn entries_added(_: impl Iterator<Item = usize>) {
    dsb(ISHST);
    isb(SY);
}

/// Discards translations, on all CPUs, as "Using break-before-make" in the Arm ARM requires. Bits 47 to 44 of
/// the operand are a hint of the level, which an address of the upper half would fill: 0 is none.
pub fn invalidate(addresses: impl Iterator<Item = usize>) {
    dsb(ISHST);
    for address in addresses {
        // SAFETY: discards a translation.
        unsafe { asm!("tlbi vaae1is, {}", in(reg) address >> 12 & !(!0 << 44)) };
    }
    dsb(ISH);
    isb(SY);
}

/// Turns the MMU and the caches on.
///
/// # Safety
/// The tables map the kernel where it is.
pub unsafe fn activate(root: u64) {
    MAIR_EL1.set(0xff); // attributes 0: Normal, write-back; 1: Device-nGnRnE
    // 48-bit addresses, write-back walks, inner shareable, 4 KiB, no upper half, 40 physical bits.
    TCR_EL1.set(16 | 1 << 8 | 1 << 10 | 3 << 12 | 1 << 23 | 2 << 32);
    TTBR0_EL1.set(root);
    dsb(ISH);
    // SAFETY: the caller's promise.
    unsafe { asm!("tlbi vmalle1") };
    dsb(ISH);
    isb(SY);
    SCTLR_EL1.modify(SCTLR_EL1::M::Enable + SCTLR_EL1::C::Cacheable + SCTLR_EL1::I::Cacheable);
    isb(SY);
}

/// Returns the number of this CPU: Aff0 of MPIDR_EL1 on QEMU's machine.
pub fn cpu() -> usize {
    MPIDR_EL1.get() as usize & 0xff
}

pub fn without_interrupts<T>(run: impl FnOnce() -> T) -> T {
    let before: usize;
    // SAFETY: the mask is restored below.
    unsafe { asm!("mrs {}, daif", "msr daifset, #2", out(reg) before) };
    let result = run();
    // SAFETY: the mask before.
    unsafe { asm!("msr daif, {}", in(reg) before) };
    result
}

/// Runs an instruction that may raise an exception; `trap::attempt` reports it.
macro_rules! attempt {
    ($instruction:literal $(, $operand:ident = $value:expr)*) => {
        // SAFETY: an exception continues after the instruction, which changes only X9 otherwise.
        unsafe {
            asm!(
                "adr x9, 2f",
                "str x9, [{place}]",
                $instruction,
                "2:",
                place = in(reg) trap::RESUME[cpu()].as_ptr(),
                $($operand = in(reg) $value,)*
                out("x9") _,
            )
        }
    };
}

pub fn attempt_read(address: usize) {
    attempt!("ldrb w9, [{address}]", address = address);
}

pub fn attempt_jump(address: usize) {
    attempt!("br {address}", address = address);
}

/// The exception of an instruction fetch without the right: an instruction abort.
pub const NOT_EXECUTABLE: usize = 0x21;

/// Instructions, and the exception class that they must raise: access to SIMD or floating point.
/// As numbers, because the assembler of this target does not know them.
pub const VECTOR_INSTRUCTIONS: &[(&str, usize, fn())] = &[
    ("movi v0.16b, #0", 7, || attempt!(".inst 0x4f00e400")),
    ("fmov d0, xzr", 7, || attempt!(".inst 0x9e6703e0")),
];

fn next_tick() {
    CNTP_TVAL_EL0.set(CNTFRQ_EL0.get() / tick::RATE);
    isb(SY);
}

pub fn start_timer() {
    write(GICD, 1);
    write(GICD + 0x100, 1 << 30); // the private interrupt of the timer
    write(GICC + 4, 0xff); // all priorities
    write(GICC, 1);
    next_tick();
    CNTP_CTL_EL0.write(CNTP_CTL_EL0::ENABLE::SET);
    // SAFETY: enables interrupts.
    unsafe { asm!("msr daifclr, #2") };
}

pub fn stop_timer() {
    // SAFETY: disables interrupts.
    unsafe { asm!("msr daifset, #2") };
}

/// Counts cycles, and instructions under `-icount`.
pub fn counter() -> u64 {
    let count;
    // SAFETY: reads a counter.
    unsafe { asm!("mrs {}, pmccntr_el0", out(reg) count) };
    count
}

/// Writes a byte to the serial line.
pub fn put(byte: u8) {
    write(UART, byte.into());
}
