//! Files that are mounts of their own, as containers make them: they can be written to, and not replaced.

use std::path::Path;

/// Tells whether a file is a mount of its own.
#[cfg(target_os = "linux")]
pub(super) fn is_mount(path: &Path) -> bool {
    use rustix::fs::{statx, AtFlags, StatxAttributes, StatxFlags, CWD};
    let flags = AtFlags::NO_AUTOMOUNT | AtFlags::SYMLINK_NOFOLLOW;
    match statx(CWD, path, flags, StatxFlags::empty()) {
        Ok(found)
            if found
                .stx_attributes_mask
                .contains(StatxAttributes::MOUNT_ROOT) =>
        {
            found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT)
        }
        // Linux before 5.8 does not tell.
        _ => std::fs::read_to_string("/proc/self/mountinfo")
            .is_ok_and(|mounts| is_listed(path, &mounts)),
    }
}

/// Tells whether a file is a mount of its own: elsewhere nobody mounts files.
#[cfg(not(target_os = "linux"))]
pub(super) fn is_mount(_: &Path) -> bool {
    false
}

/// Tells whether a path is a mount point in this list.
///
/// Spec: proc_pid_mountinfo(5), field 5.
#[cfg(target_os = "linux")]
fn is_listed(path: &Path, mounts: &str) -> bool {
    let Some(path) = path.to_str() else {
        return false;
    };
    let escaped = path
        .replace('\\', "\\134")
        .replace(' ', "\\040")
        .replace('\t', "\\011")
        .replace('\n', "\\012");
    mounts
        .lines()
        .any(|line| line.split(' ').nth(4) == Some(escaped.as_str()))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn p53_mounts_are_distinguished_from_files() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        assert!(!is_mount(file.path()) && !is_mount(Path::new("/nonexistent")));
        assert!(is_mount(Path::new("/proc")), "a mount of any kind");
        let mounts =
            "36 35 98:0 / / rw - ext4 /dev/sda rw\n37 36 98:0 /a /data/my\\040login.json rw - ext4 /dev/sda rw\n";
        assert!(is_listed(Path::new("/data/my login.json"), mounts));
        assert!(!is_listed(Path::new("/data/my"), mounts) && !is_listed(Path::new("/a"), mounts));
    }
}
