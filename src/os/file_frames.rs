//! Files as memory by frames: a memfd, a file of hugetlbfs, or an ordinary one.
//!
//! [`FileFrames`] reaches them through windows, mappings for a moment, as kernels reach memory that
//! they have no addresses for: a program of 32 bits clears a file of any size. It is a
//! [`Highmem`](crate::highmem::Highmem), for whatever works on frames, and has safe methods of its
//! own, which know other ways too.
//!
//! # Which way
//!
//! GB/s over files of 256 MiB, on one CPU of an AMD EPYC (Zen 5, in a virtual machine), Linux 6.18,
//! ext4; `cargo bench --bench file_frames` measures your machine.
//!
//! | [`Way`] | memfd: data | a hole | memfd of huge pages: data | a hole | on disk: data | a hole |
//! |---|---|---|---|---|---|---|
//! | [`Map`](Way::Map) | 7.6 | 1.4 | **68** | 17 | 13 | 4.2 |
//! | [`Write`](Way::Write) | **14** | **3.4** | 23 | **27** | **15** | **6.0** |
//! | [`PunchHole`](Way::PunchHole) | 7.8 | | 380 | | 22 | |
//! | the same, then `Write` | 2.4 | | 24 | | 4.6 | |
//! | [`ZeroRange`](Way::ZeroRange) | no | no | no | no | 20 | 500 |
//! | [`zero_data`](FileFrames::zero_data), any way | as that | over 10 000 | as that | over 10 000 | as that | over 10 000 |
//!
//! So [`clear`](FileFrames::clear) writes, where no huge pages are: to fill a page table and to
//! empty it again takes longer than for the system to find the pages by itself. It maps where they
//! are, which hugetlbfs is made of, and a tmpfs says of itself by a block size of 2 MiB
//! (`/sys/kernel/mm/transparent_hugepage/shmem_enabled`, or mounted with `huge=`). Holes that may
//! stay holes cost nothing: `zero_data`. A hole that is punched is paid for when it is filled again.
//!
//! Who has addresses for the whole file, and clears it often, maps it once and makes a
//! [`LinearMap`](crate::highmem::LinearMap) of it: that clears as any other memory.
//!
//! # Windows
//!
//! | window | memfd | memfd of huge pages | hugetlbfs | on disk |
//! |---|---|---|---|---|
//! | a page, as HIGHMEM has it | 0.58 | 0.56 | | 0.28 |
//! | 64 KiB | 4.1 | 5.9 | | 0.75 |
//! | 256 KiB | 6.2 | 11 | | 0.8 |
//! | 1 MiB | 7.2 | 14 | | 0.85 |
//! | 2 MiB | 7.3 | 70 | 75 | 12 |
//! | 4 MiB | 7.5 | 77 | 83 | 12 |
//! | 8 MiB, unless [asked for otherwise](FileFrames::with_window) | 7.5 | 83 | 88 | 12 |
//! | 16 MiB | 7.4 | 85 | 90 | 12 |
//! | 64 MiB | 7.2 | 88 | 93 | 12 |
//!
//! A window's page table is filled by one call (`MADV_POPULATE_READ` for tmpfs, whose pages can then
//! be written too; `MADV_POPULATE_WRITE` elsewhere): without it, 3.0 from 2 MiB on for a memfd. To
//! slide one window over reserved addresses (`MAP_FIXED`) instead of unmapping it saves a fifth of
//! the time at a page a window, and nothing from 2 MiB on.
//!
//! Of single pages that lie anywhere, those that share a window are cleared by one: every other page
//! of a sorted list on hugetlbfs at 68 GB/s, where a window a page takes 0.6.
//!
//! # A file that changes meanwhile
//!
//! All of it is safe: a file's content is no memory of Rust, and who has the file mapped as memory
//! has promised, in unsafe code, that it may change.
//!
//! The length is asked before each window and each write of 1 MiB, and pages of a window are made
//! present where an error can still be given: a frame behind the end, a full file system, or huge
//! pages that ran out are a [`FileError`], and no `SIGBUS`. Who cuts the file off after that, and
//! before the window is cleared, raises one still; who does before a write has the file grow again.
//! On a memfd the seals `F_SEAL_SHRINK` and `F_SEAL_GROW` exclude both. Before Linux 5.14, and under
//! emulators of user programs, pages are present only when they are touched: there a full file
//! system is an error of [`Way::Write`] alone.
//!
//! The methods keep no state: any number of threads may clear frames of one file, each its own.
//! Writes to one file take turns, windows do not.

mod error;
mod kernel;
mod scattered;
mod way;
mod window;

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{FileType, OFlags, fcntl_getfl, fstat, fstatfs};
use rustix::mm::Advice;
use rustix::param::page_size;

pub use error::FileError;
pub use way::Way;
pub use window::Window;

use crate::highmem::{ClearError, Frame, Frames};
use crate::intent::Intent;
use crate::os::HUGE;
use crate::page::PAGE_SHIFT;
#[cfg(doc)]
use crate::page::PAGE_SIZE;

/// `TMPFS_MAGIC` of statfs(2): tmpfs, shared memory, memfd.
const TMPFS: u32 = 0x0102_1994;
/// `HUGETLBFS_MAGIC` of statfs(2).
const HUGETLBFS: u32 = 0x9584_58f6;

/// Bytes in a window, unless asked for otherwise.
const WINDOW: usize = 8 << 20;

/// The frames of a file: number n is the [`PAGE_SIZE`] bytes at offset n * [`PAGE_SIZE`]. The file's
/// last bytes, if they are less than a frame, are in none.
#[derive(Debug)]
pub struct FileFrames {
    file: OwnedFd,
    /// Mappings begin and end at multiples of it, in bytes.
    unit: usize,
    /// In frames; a multiple of the unit.
    window: u64,
    /// What makes a window's pages writable.
    populate: Advice,
    hugetlb: bool,
    /// From how many frames on windows are faster than writes.
    map_from: u64,
}

impl FileFrames {
    /// The frames of `file`: a regular file, a memfd, one of hugetlbfs; open for reading and
    /// writing, and not for appending.
    ///
    /// Files of file systems that stand for the kernel or for devices are refused, even if they are
    /// regular files: sysfs, procfs, debugfs, tracefs, configfs, securityfs, selinuxfs, cgroup,
    /// cgroup2, resctrl, bpf, efivarfs, pstore and dma-buf. A write there is a command, and a file
    /// such as `/sys/bus/pci/devices/*/resource0` maps registers, which instructions that clear
    /// memory must not touch. A file of FUSE may do either, and is accepted.
    ///
    /// # Errors
    /// The file is none of these (`InvalidInput`), or is not open as it has to be
    /// (`PermissionDenied`).
    pub fn new(file: impl Into<OwnedFd>) -> io::Result<Self> {
        let file = file.into();
        let stat = fstat(&file)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        let system = fstatfs(&file)?;
        let (kind, block) = (system.f_type as u32, stat.st_blksize as usize);
        if let Some(name) = kernel::refused(kind) {
            let why = format!(
                "a file of {name}, which stands for the kernel or a device: expected a file on \
                 disk, a memfd, or one of tmpfs or hugetlbfs"
            );
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        let open = fcntl_getfl(&file)?;
        // A write to a file that is open for appending appends, wherever it should go.
        if open & (OFlags::RWMODE | OFlags::APPEND) != OFlags::RDWR {
            let not = "not open for reading and writing, or open for appending";
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, not));
        }
        let hugetlb = kind == HUGETLBFS;
        let file = Self {
            file,
            unit: if hugetlb { block.max(page_size()) } else { page_size() },
            window: 0,
            // A page of tmpfs that can be read there can be written, and reading faults in sixteen
            // at a time. Of other files each page must be asked for to be written.
            populate: if kind == TMPFS {
                Advice::LinuxPopulateRead
            } else {
                Advice::LinuxPopulateWrite
            },
            hugetlb,
            // Tmpfs calls a huge page its block where it uses them.
            map_from: match kind {
                HUGETLBFS => 0,
                TMPFS if block >= HUGE => (block >> PAGE_SHIFT) as u64,
                _ => u64::MAX,
            },
        };
        Ok(file.with_window(WINDOW >> PAGE_SHIFT))
    }

    /// Has windows of `npages` frames, rounded up to what can be mapped, instead of 8 MiB.
    ///
    /// # Panics
    /// If `npages` is 0.
    #[must_use]
    pub fn with_window(self, npages: usize) -> Self {
        assert_ne!(npages, 0, "with_window: a window of no frame");
        let most = (isize::MAX as usize >> PAGE_SHIFT) as u64;
        let unit = (self.unit as u64 >> PAGE_SHIFT).max(1);
        Self { window: (npages as u64).min(most).next_multiple_of(unit), ..self }
    }

    /// Frames in a window.
    pub fn window(&self) -> u64 {
        self.window
    }

    /// The frames that are wholly in the file now.
    ///
    /// # Errors
    /// The system does not tell its length.
    pub fn frames(&self) -> Result<Frames, FileError> {
        let npages = self.len()? >> PAGE_SHIFT;
        Ok(Frames::new(Frame::default(), npages).expect("a length of 63 bits"))
    }

    /// Zeroes frames in the way that is [fastest](Self::fastest). No frames are a no-op.
    ///
    /// ```
    /// use clearpage::{Intent, PAGE_SIZE, file_frames::FileFrames, highmem::{Frame, Frames}};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let path = std::env::temp_dir().join(format!("clearpage-doc-{}", std::process::id()));
    /// # let open = std::fs::File::options().read(true).write(true).create(true).truncate(true).open(&path);
    /// # std::fs::remove_file(&path)?;
    /// # let file = open?;
    /// # file.set_len(8 * PAGE_SIZE as u64)?;
    /// let memory = FileFrames::new(file)?;
    /// let frames = Frames::new(Frame::new(2).unwrap(), 4)?;
    /// memory.clear(frames, Intent::Cold)?;
    /// // Frames behind the end of the file: those before it are cleared, and the error says so.
    /// let error = memory.clear(Frames::new(Frame::new(5).unwrap(), 4)?, Intent::Cold).unwrap_err();
    /// assert_eq!(error.cleared, 3);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`zero`](Self::zero).
    pub fn clear(&self, frames: Frames, intent: Intent) -> Result<(), ClearError<FileError>> {
        self.zero(frames, self.fastest(frames.npages(), intent))
    }

    /// The fastest of [`Way::Map`] and [`Way::Write`], for `npages` frames that follow one another
    /// and are no hole. Measured on one CPU; it goes by the kind of file, as it was when the
    /// `FileFrames` was made: pages that came to be huge by `MADV_HUGEPAGE` alone are not seen.
    pub fn fastest(&self, npages: u64, intent: Intent) -> Way {
        if npages >= self.map_from { Way::Map(intent) } else { Way::Write }
    }

    /// Bytes in the file.
    fn len(&self) -> Result<u64, FileError> {
        let stat = fstat(&self.file).map_err(FileError::system("fstat"))?;
        Ok(stat.st_size as u64)
    }

    /// The first of `frames`, as many as are in the file: at least one.
    fn inside(&self, frames: Frames) -> Result<Frames, FileError> {
        error::inside(frames, self.len()?)
    }
}

impl AsFd for FileFrames {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl From<FileFrames> for OwnedFd {
    fn from(frames: FileFrames) -> Self {
        frames.file
    }
}
