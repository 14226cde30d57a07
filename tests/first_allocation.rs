//! The first allocation of a process is the buffer of standard output. If the policy is malformed,
//! the process exits without waiting for that buffer. A test harness would allocate earlier.

use std::alloc::System;

use clearpage::hooks::ClearingAlloc;

#[global_allocator]
static ALLOC: ClearingAlloc<System> = ClearingAlloc::new(System);

fn main() {
    println!("running 1 test");
    if std::env::args().any(|argument| argument == "child") {
        return;
    }
    for (value, code) in [("1", 0), ("nonsense", 2)] {
        let mut command = clearpage_testkit::emulator::command(&std::env::current_exe().unwrap());
        command.arg("child").env("CLEARPAGE_INIT_ON_FREE", value);
        let child = command.output().unwrap();
        let stderr = String::from_utf8(child.stderr).unwrap();
        assert_eq!(child.status.code(), Some(code), "{value}: {stderr}");
        assert_eq!(stderr.contains("clearpage: CLEARPAGE_INIT_ON_FREE=nonsense: "), code == 2);
    }
    println!("test result: ok. 1 passed; 0 failed");
}
