//! Zeroes the frames of files used as memory: memfds, hugetlbfs files and ordinary files.
//!
//! [`FileFrames`] accesses a file through windows, which are temporary mappings, as kernels access
//! memory that has no permanent address. So even a 32-bit program can clear a file of any size. It
//! implements [`Highmem`](clearpage::highmem::Highmem), for code that works on frames. Its own methods
//! are safe and can also zero without a mapping.
//!
//! ```
//! # use std::fs::File;
//! use clearpage::highmem::{Frame, FrameRange};
//! use clearpage::{Intent, PAGE_SIZE};
//! use clearpage_os::file_frames::FileFrames;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let path = std::env::temp_dir().join(format!("clearpage-doc-{}", std::process::id()));
//! # let open = File::options().read(true).write(true).create(true).truncate(true).open(&path);
//! # std::fs::remove_file(&path)?;
//! # let file = open?;
//! # file.set_len(8 * PAGE_SIZE as u64)?;
//! let memory = FileFrames::new(file)?;
//! memory.clear(FrameRange::new(Frame::new(2).unwrap(), 4)?, Intent::Cold)?;
//! // The file has 8 frames. Those before its end are cleared, and the error counts them.
//! let past_end = FrameRange::new(Frame::new(5).unwrap(), 4)?;
//! assert_eq!(memory.clear(past_end, Intent::Cold).unwrap_err().cleared, 3);
//! # Ok(())
//! # }
//! ```
//!
//! # The fastest method
//!
//! GB/s over files of 256 MiB, on one CPU of an AMD EPYC (Zen 5, in a virtual machine), Linux 6.18,
//! ext4. `cargo bench --bench file_frames` measures your machine, and windows of other sizes.
//!
//! | [`ZeroMethod`] | memfd: data | a hole | memfd of huge pages: data | a hole | on disk: data | a hole |
//! |---|---|---|---|---|---|---|
//! | [`Map`](ZeroMethod::Map) | 7.6 | 1.4 | **68** | 17 | 13 | 4.2 |
//! | [`Write`](ZeroMethod::Write) | **14** | **3.4** | 23 | **27** | **15** | **6.0** |
//! | [`PunchHole`](ZeroMethod::PunchHole) | 7.8 | | 380 | | 22 | |
//! | the same, then `Write` | 2.4 | | 24 | | 4.6 | |
//!
//! Without huge pages [`clear`](FileFrames::clear) therefore writes: filling a page table and
//! emptying it again costs more than the kernel's own page lookup. With huge pages it maps.
//! Hugetlbfs always has them; a tmpfs with them (`/sys/kernel/mm/transparent_hugepage/shmem_enabled`,
//! or mounted with `huge=`) reports a block size of 2 MiB. Holes that may stay holes cost nothing
//! with [`zero_data`](FileFrames::zero_data). A punched hole costs time when it is filled again.
//!
//! If you have address space for the whole file and clear it often, map it once and use a
//! [`LinearMap`](clearpage::highmem::LinearMap), which clears it like any other memory.
//!
//! # Windows
//!
//! With windows of one page, as with HIGHMEM, `Map` reaches 0.6 on a memfd; from 2 MiB on it reaches
//! 7, and 70 to 90 with huge pages. The [default](FileFrames::with_window) is 8 MiB.
//!
//! A window's page table is filled by one call: `MADV_POPULATE_READ` for tmpfs, whose pages are
//! then also writable, `MADV_POPULATE_WRITE` elsewhere. Without it a memfd reaches 3.0 from 2 MiB
//! on. Sliding one window over reserved addresses (`MAP_FIXED`) instead of unmapping it saves
//! nothing from 2 MiB on.
//!
//! Scattered single pages in one window share it: every other page of a sorted list on hugetlbfs is
//! cleared at 68 GB/s, against 0.6 with a window per page.
//!
//! # Concurrent changes of the file
//!
//! All methods are safe: a file's content is not Rust memory. Code that maps the file as memory has
//! promised, in unsafe code, that it may change.
//!
//! The length is read before each window and each write of 1 MiB, and the pages of a window are
//! made present while an error can still be returned. A frame past the end, a full file system or a
//! lack of huge pages is therefore a [`FileError`], not a `SIGBUS`. If the file is truncated after
//! that but before the window is cleared, a `SIGBUS` is still raised; if it is truncated before a
//! write, the write extends it again. On a memfd the seals `F_SEAL_SHRINK` and `F_SEAL_GROW`
//! prevent both. Before Linux 5.14, and under user-mode emulators, pages become present only when
//! touched; there, only [`ZeroMethod::Write`] returns an error for a full file system.
//!
//! The methods keep no state, so any number of threads may clear different frames of one file.
//! Writes to one file are serialised, windows are not.

mod error;
mod method;
mod scattered;
mod window;

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{FileType, OFlags, fcntl_getfl, fstat, fstatfs};
use rustix::mm::Advice;
use rustix::param::page_size;

pub use error::FileError;
pub use method::ZeroMethod;
pub use window::Window;

use crate::HUGE;
#[cfg(doc)]
use clearpage::PAGE_SIZE;
use clearpage::highmem::{ClearError, Frame, FrameRange};
use clearpage::{Intent, PAGE_SHIFT};

/// `TMPFS_MAGIC` of statfs(2): tmpfs, shared memory, memfd.
const TMPFS: u32 = 0x0102_1994;
/// `HUGETLBFS_MAGIC` of statfs(2).
const HUGETLBFS: u32 = 0x9584_58f6;

/// File systems whose regular files are not memory or disk, by `f_type` of statfs(2): from the
/// kernel's `linux/magic.h`; that of configfs is from `fs/configfs/mount.c`.
const REFUSED: [(u32, &str); 14] = [
    // They contain mappable files of device memory, such as the BARs of PCI devices.
    (0x6265_6572, "sysfs"),
    (0x9fa0, "procfs"),
    (0x444d_4142, "dma-buf"),
    // Interfaces of drivers and of the kernel, where a write of zeroes is a command.
    (0x6462_6720, "debugfs"),
    (0x7472_6163, "tracefs"),
    (0x6265_6570, "configfs"),
    (0x7363_6673, "securityfs"),
    (0xf97c_ff8c, "selinuxfs"),
    (0x0027_e0eb, "cgroup"),
    (0x6367_7270, "cgroup2"),
    (0x0765_5821, "resctrl"),
    (0xcafe_4a11, "bpf"),
    (0xde5e_81e4, "efivarfs"),
    (0x6165_676c, "pstore"),
];

/// Default bytes in a window.
const WINDOW: usize = 8 << 20;

/// The frames of a file. Frame n is the [`PAGE_SIZE`] bytes at offset n * [`PAGE_SIZE`]. If the
/// file ends with less than a whole frame, these bytes are in no frame.
#[derive(Debug)]
pub struct FileFrames {
    file: OwnedFd,
    /// Alignment of mappings, in bytes.
    unit: usize,
    /// Window size in frames, a multiple of the unit.
    window: u64,
    /// The advice that makes a window's pages present and writable.
    populate: Advice,
    hugetlb: bool,
    /// Number of frames from which windows are faster than writes.
    map_from: u64,
}

impl FileFrames {
    /// Wraps `file`: a regular file, a memfd or a file of hugetlbfs, which is open for reading and
    /// writing, but not for appending.
    ///
    /// Files of file systems that represent the kernel or devices are refused, even regular files:
    /// sysfs, procfs, debugfs, tracefs, configfs, securityfs, selinuxfs, cgroup, cgroup2, resctrl,
    /// bpf, efivarfs, pstore and dma-buf. A write there is a command. A file such as
    /// `/sys/bus/pci/devices/*/resource0` maps registers, which instructions that clear memory must
    /// not touch. A file of FUSE may do either, and is accepted.
    ///
    /// # Errors
    /// The file is none of these (`InvalidInput`), or is open in another mode (`PermissionDenied`).
    pub fn new(file: impl Into<OwnedFd>) -> io::Result<Self> {
        let file = file.into();
        let stat = fstat(&file)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        let system = fstatfs(&file)?;
        let (kind, block) = (system.f_type as u32, stat.st_blksize as usize);
        if let Some((_, name)) = REFUSED.iter().find(|(magic, _)| *magic == kind) {
            let error = format!(
                "a file of {name}, which represents the kernel or a device: expected a file on \
                 disk, a memfd, or a file of tmpfs or hugetlbfs"
            );
            return Err(io::Error::new(io::ErrorKind::InvalidInput, error));
        }
        let open = fcntl_getfl(&file)?;
        // With O_APPEND, pwrite appends regardless of the offset (pwrite(2), "BUGS").
        if open & (OFlags::RWMODE | OFlags::APPEND) != OFlags::RDWR {
            let error = "not open for reading and writing, or open for appending";
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, error));
        }
        let hugetlb = kind == HUGETLBFS;
        let file = Self {
            file,
            unit: if hugetlb { block.max(page_size()) } else { page_size() },
            window: 0,
            // A tmpfs page that is mapped for reading is writable too, and a read fault maps
            // sixteen at a time. Pages of other files must be populated for writing.
            populate: if kind == TMPFS {
                Advice::LinuxPopulateRead
            } else {
                Advice::LinuxPopulateWrite
            },
            hugetlb,
            // A tmpfs with huge pages reports one as its block.
            map_from: match kind {
                HUGETLBFS => 0,
                TMPFS if block >= HUGE => (block >> PAGE_SHIFT) as u64,
                _ => u64::MAX,
            },
        };
        Ok(file.with_window(WINDOW >> PAGE_SHIFT))
    }

    /// Sets the window size to `npages` frames, rounded up to a mappable size. Default: 8 MiB.
    ///
    /// # Panics
    /// If `npages` is 0.
    #[must_use]
    pub fn with_window(self, npages: usize) -> Self {
        assert_ne!(npages, 0, "with_window: a window of 0 frames");
        let most = (isize::MAX as usize >> PAGE_SHIFT) as u64;
        let unit = (self.unit as u64 >> PAGE_SHIFT).max(1);
        Self { window: (npages as u64).min(most).next_multiple_of(unit), ..self }
    }

    /// Returns the window size in frames.
    pub fn window(&self) -> u64 {
        self.window
    }

    /// Returns the frames that are wholly in the file now.
    ///
    /// # Errors
    /// The system does not report the file's length.
    pub fn frames(&self) -> Result<FrameRange, FileError> {
        let npages = self.len()? >> PAGE_SHIFT;
        Ok(FrameRange::new(Frame::default(), npages).expect("a length of 63 bits"))
    }

    /// Zeroes frames by the [fastest](Self::fastest) method. No frames are a no-op.
    ///
    /// # Errors
    /// As [`zero`](Self::zero).
    pub fn clear(&self, frames: FrameRange, intent: Intent) -> Result<(), ClearError<FileError>> {
        self.zero(frames, self.fastest(frames.npages(), intent))
    }

    /// Returns the faster of [`ZeroMethod::Map`] and [`ZeroMethod::Write`] for `npages` consecutive
    /// frames that are not a hole, as measured on one CPU. It depends on the kind of file when the
    /// `FileFrames` was created; pages that are huge only through `MADV_HUGEPAGE` are not detected.
    pub fn fastest(&self, npages: u64, intent: Intent) -> ZeroMethod {
        if npages >= self.map_from { ZeroMethod::Map(intent) } else { ZeroMethod::Write }
    }

    /// Returns the length of the file in bytes.
    fn len(&self) -> Result<u64, FileError> {
        let stat = fstat(&self.file).map_err(FileError::system("fstat"))?;
        Ok(stat.st_size as u64)
    }

    /// Returns the leading part of `frames` that is in the file: at least one frame.
    fn inside(&self, frames: FrameRange) -> Result<FrameRange, FileError> {
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
