//! riscv64 in S-mode: booted by OpenSBI on QEMU's virt machine, with Sv48.

use core::arch::{asm, global_asm};
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use clearpage::cpu::{Facts, Feature};
use riscv::interrupt::supervisor;
pub use riscv::interrupt::supervisor::{disable as stop_timer, free as without_interrupts};
use riscv::register::{instret, satp, sie, time};

use crate::paging::{Leaf, Memory};
use crate::{tick, trap};

pub const RAM: u64 = 0x8000_0000;
pub const DEVICES: &[(usize, usize)] = &[];
// sstatus.FS and VS are 0, so that floating-point and vector instructions fault.
global_asm!(
    r#"
    .section .bss
    .balign 4096
    .skip 65536
stack_top:
    .skip 65536
second_stack_top:

    .macro enter cpu, stack, function
    csrw sie, zero
    li t0, 0x6600
    csrc sstatus, t0
    la t0, trap_vector
    csrw stvec, t0
    li tp, \cpu
    la sp, \stack
    call \function
    .endm

    .section .text.start, "ax"
    .globl start
start:
    la t0, {tree}
    sd a1, 0(t0)
    enter 0, stack_top, main
second_start:
    enter 1, second_stack_top, second

    .macro registers op
    .set at, 0
    .irp register, ra, t0, t1, t2, t3, t4, t5, t6, a0, a1, a2, a3, a4, a5, a6, a7
    \op \register, at(sp)
    .set at, at + 8
    .endr
    .endm

    .balign 4
trap_vector:
    addi sp, sp, -144
    registers sd
    csrr a0, scause
    csrr a1, stval
    csrr a2, sepc
    csrr t0, sstatus
    sd t0, 128(sp)
    call {trap}
    csrw sepc, a0
    ld t0, 128(sp)
    csrw sstatus, t0
    registers ld
    addi sp, sp, 144
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

unsafe extern "C" {
    static second_start: u8;
}

/// The entry of the kernel has set up all.
pub fn init(_: usize) {}

/// Starts the hart that does not run yet; the firmware started one of them.
pub fn start_second() {
    let entry = (&raw const second_start).addr();
    assert!((0..2).any(|hart| sbi_rt::hart_start(hart, entry, 0).is_ok()), "no second hart");
}

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
pub fn entries_added(addresses: impl Iterator<Item = usize>) {
    invalidate(addresses);
}

pub fn invalidate(addresses: impl Iterator<Item = usize>) {
    for address in addresses {
        // SAFETY: discards a translation.
        unsafe { asm!("sfence.vma {}, zero", in(reg) address, options(nostack, preserves_flags)) };
    }
}

/// # Safety
/// The tables map the kernel where it is.
pub unsafe fn activate(root: u64) {
    // SAFETY: the caller's promise.
    unsafe { satp::set(satp::Mode::Sv48, 0, root as usize >> 12) };
    riscv::asm::sfence_vma_all();
}

/// Returns the number of this CPU, which the entry wrote to a register that Rust does not use.
pub fn cpu() -> usize {
    let number;
    // SAFETY: reads a register.
    unsafe { asm!("mv {}, tp", out(reg) number, options(nomem, nostack, preserves_flags)) };
    number
}

/// Runs an instruction that may raise an exception; `trap::attempt` reports it.
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
                place = in(reg) trap::RESUME[cpu()].as_ptr(),
                $($operand = in(reg) $value,)*
                out("t0") _,
            )
        }
    };
}

pub fn attempt_read(address: usize) {
    attempt!("lbu t0, ({address})", address = address);
}

pub fn attempt_jump(address: usize) {
    attempt!("jr {address}", address = address);
}

/// The exception of an instruction fetch without the right: an instruction page fault.
pub const NOT_EXECUTABLE: usize = 0xc;

/// Instructions, and the exception that they must raise: an illegal instruction.
pub const VECTOR_INSTRUCTIONS: &[(&str, usize, fn())] = &[
    ("fmv.d.x", 2, || attempt!("fmv.d.x f0, zero")),
    ("vsetvli", 2, || attempt!("vsetvli t0, zero, e8, m1, ta, ma")),
];

fn next_tick() {
    /// Of the time register of QEMU's virt machine.
    const HZ: u64 = 10_000_000;
    sbi_rt::set_timer(time::read64() + HZ / tick::RATE);
}

pub fn start_timer() {
    next_tick();
    // SAFETY: enables the timer's interrupt, and interrupts.
    unsafe {
        sie::set_stimer();
        supervisor::enable();
    }
}

/// Counts instructions. The firmware has enabled it.
pub fn counter() -> u64 {
    instret::read64()
}

/// Writes a byte to the console of the firmware.
pub fn put(byte: u8) {
    sbi_rt::console_write_byte(byte);
}
