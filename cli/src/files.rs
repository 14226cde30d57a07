//! Which paths name open files.

use std::path::Path;

/// Whether `path` names an open file of this process, such as `/dev/stdin` and the `/dev/fd/63` of
/// a shell's `<(command)`. Only these are links that are followed when they are written, and only
/// these are read though they may be pipes.
pub fn is_descriptor(path: &Path) -> bool {
    let standard = ["/dev/stdin", "/dev/stdout", "/dev/stderr"];
    let folders = ["/dev/fd", "/proc/self/fd"].map(Path::new);
    cfg!(unix)
        && (standard.iter().any(|name| path == Path::new(name))
            || path.parent().is_some_and(|folder| folders.contains(&folder)))
}
