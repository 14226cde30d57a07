//! The loop of the primitives that walk four pages in step.

/// As `stream_blocks!`, but four streams abreast: in ranges of four pages and more the same line
/// of four neighbouring pages in turn, in shorter ones the same line of four entries of the list.
/// `$group` writes the line at `rdx` of the pages at `rdi`, `r9`, `r10` and `r11`; `$line` the one
/// at `rax`. `rbx` is not to be had, so `r12` and `r13` end the loops.
macro_rules! stream_abreast {
    ($list:ident, $n:ident, $len:ident, zero: $zero:literal, line: [$($line:literal),+], group: [$($group:literal),+]) => {
        core::arch::asm!(
            $zero,
            "cmp r8, 16384",
            "jb 5f",
            // Long ranges, one after another.
            "2:",
            "mov rdi, [rsi]",
            "lea r12, [rdi + r8]",
            "3:",
            "lea r13, [rdi + 16384]",
            "cmp r13, r12",
            "ja 8f",
            "lea r9, [rdi + 4096]",
            "lea r10, [rdi + 8192]",
            "lea r11, [rdi + 12288]",
            "xor edx, edx",
            ".p2align 4",
            "4:",
            $($group,)+
            "add rdx, 64",
            "cmp rdx, 4096",
            "jne 4b",
            "mov rdi, r13",
            "jmp 3b",
            "8:",
            "mov rax, rdi",
            "9:",
            "cmp rax, r12",
            "je 20f",
            $($line,)+
            "add rax, 64",
            "jmp 9b",
            "20:",
            "add rsi, 8",
            "dec rcx",
            "jnz 2b",
            "jmp 22f",
            // Short ranges, four at a time.
            "5:",
            "cmp rcx, 4",
            "jb 7f",
            "mov rdi, [rsi]",
            "mov r9, [rsi + 8]",
            "mov r10, [rsi + 16]",
            "mov r11, [rsi + 24]",
            "xor edx, edx",
            ".p2align 4",
            "6:",
            $($group,)+
            "add rdx, 64",
            "cmp rdx, r8",
            "jne 6b",
            "add rsi, 32",
            "sub rcx, 4",
            "jnz 5b",
            "jmp 22f",
            // What is left of the list.
            "7:",
            "mov rax, [rsi]",
            "lea r12, [rax + r8]",
            "21:",
            $($line,)+
            "add rax, 64",
            "cmp rax, r12",
            "jne 21b",
            "add rsi, 8",
            "dec rcx",
            "jnz 7b",
            "22:",
            "sfence",
            inout("rsi") $list => _,
            inout("rcx") $n => _,
            in("r8") $len,
            out("rdi") _,
            out("r9") _,
            out("r10") _,
            out("r11") _,
            out("r12") _,
            out("r13") _,
            out("rax") _,
            out("rdx") _,
            clobber_abi("sysv64"),
            options(nostack),
        )
    };
}

pub(super) use stream_abreast;
