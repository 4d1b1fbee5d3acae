//! How files are opened, locked, told apart and replaced.

pub(super) use platform::{
    has_lock, has_no_locks, is_at, is_held, is_open_elsewhere, open_new_lock, open_to_lock,
    open_to_read, persist, release_lock, remove_lock, reserve, sync_directory, try_lock,
};
pub use platform::{identity, identity_in, is_name_taken, rename_to_free};

#[cfg(unix)]
mod platform {
    use std::fs::{self, File, Metadata, TryLockError};
    use std::io;
    use std::os::unix::fs::MetadataExt as _;
    use std::path::Path;
    use std::thread;
    use std::time::Duration;

    use rustix::fs::{open, renameat_with, Mode, OFlags, RenameFlags, CWD};
    use rustix::io::Errno;
    use tempfile::NamedTempFile;

    /// Without waiting for the other end of a pipe, and without making a terminal ours.
    const USUAL: OFlags = OFlags::NONBLOCK
        .union(OFlags::NOCTTY)
        .union(OFlags::CLOEXEC);

    /// The first pause between two tries to open a file, and the longest.
    const PAUSES: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(16));

    /// Opens a file that another process may be about to replace or to remove. A file system of FUSE does neither in one step: it
    /// finds the file and asks its server to open it, which by then may know another one by that name, or none.
    fn open_patiently(path: &Path, flags: OFlags, mode: Mode) -> io::Result<File> {
        let mut pause = PAUSES.0;
        loop {
            match open(path, flags | USUAL, mode) {
                Err(err) if pause <= PAUSES.1 && may_pass(err, path) => thread::sleep(pause),
                opened => return Ok(File::from(opened?)),
            }
            pause *= 2;
        }
    }

    /// Tells whether a failure to open a file may be due to what another process does at this moment.
    #[cfg(target_os = "linux")]
    fn may_pass(err: Errno, path: &Path) -> bool {
        let is_of_fuse = |it: &Path| rustix::fs::statfs(it).is_ok_and(|it| it.f_type == FUSE);
        matches!(err, Errno::NOENT | Errno::STALE | Errno::IO)
            && path.parent().is_some_and(is_of_fuse)
    }

    #[cfg(not(target_os = "linux"))]
    fn may_pass(_: Errno, _: &Path) -> bool {
        false
    }

    /// Spec: linux/magic.h, `FUSE_SUPER_MAGIC`.
    #[cfg(target_os = "linux")]
    const FUSE: rustix::fs::FsWord = 0x6573_5546;

    /// Opens a file for reading; no link is followed unless `follow` says so.
    pub fn open_to_read(path: &Path, follow: bool) -> io::Result<File> {
        let no_follow = match follow {
            true => OFlags::empty(),
            false => OFlags::NOFOLLOW,
        };
        open_patiently(path, OFlags::RDONLY | no_follow, Mode::empty())
    }

    /// Opens a lock file, or makes it.
    pub fn open_to_lock(path: &Path) -> io::Result<File> {
        open_lock(path, OFlags::CREATE)
    }

    /// Makes a lock file that must not be there yet.
    pub fn open_new_lock(path: &Path) -> io::Result<File> {
        open_lock(path, OFlags::CREATE | OFlags::EXCL)
    }

    fn open_lock(path: &Path, create: OFlags) -> io::Result<File> {
        let flags = create | OFlags::RDWR | OFlags::NOFOLLOW;
        open_patiently(path, flags, Mode::RUSR | Mode::WUSR)
    }

    /// Tells whether a lock file could not be opened because another process holds the lock.
    pub fn is_held(_: &io::Error) -> bool {
        false
    }

    /// Acquires the lock of an open file, without waiting.
    pub fn try_lock(file: &File) -> Result<(), TryLockError> {
        file.try_lock()
    }

    /// Tells whether the file system has no locks.
    pub fn has_no_locks(err: &io::Error) -> bool {
        // On Linux two of these names are one number.
        let errno = Errno::from_io_error(err);
        let none = [Errno::NOLCK, Errno::NOTSUP, Errno::OPNOTSUPP, Errno::NOSYS];
        errno.is_some_and(|errno| none.contains(&errno))
    }

    /// Tells whether an open file is the one at a path and has its lock.
    pub fn has_lock(file: &File, path: &Path) -> bool {
        is_at(file, path) && file.try_lock().is_ok()
    }

    /// Releases the lock of a file that a child may have open too.
    pub fn release_lock(file: File) -> io::Result<()> {
        file.unlock()
    }

    /// Removes a lock file, and releases its lock after that.
    pub fn remove_lock(file: File, path: &Path) -> io::Result<()> {
        let _ = fs::remove_file(path);
        release_lock(file)
    }

    /// Returns what tells an open file apart from all others.
    pub fn identity(file: &File) -> Option<(u64, u64)> {
        Some(of(&file.metadata().ok()?))
    }

    /// Returns the [`identity`] of a file that is not open, where the system tells.
    pub fn identity_in(found: &Metadata) -> Option<(u64, u64)> {
        Some(of(found))
    }

    fn of(found: &Metadata) -> (u64, u64) {
        (found.dev(), found.ino())
    }

    /// Tells whether an open file is the one at a path.
    pub fn is_at(file: &File, path: &Path) -> bool {
        let there = fs::symlink_metadata(path).ok();
        identity(file).is_some_and(|ours| there.is_some_and(|there| of(&there) == ours))
    }

    /// Reserves no space: it would make the file longer at once.
    #[cfg(target_os = "macos")]
    pub fn reserve(_: &File, _: u64) -> io::Result<()> {
        Ok(())
    }

    /// Reserves space, where the file system can do that.
    #[cfg(not(target_os = "macos"))]
    pub fn reserve(file: &File, size_bytes: u64) -> io::Result<()> {
        use rustix::fs::{fallocate, FallocateFlags};
        match fallocate(file, FallocateFlags::KEEP_SIZE, 0, size_bytes) {
            // Not every file system can: a proof that it takes something has to do then.
            Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL | Errno::PERM) => Ok(()),
            reserved => Ok(reserved?),
        }
    }

    /// Renames a directory unless something has the new name; on a file system that cannot do that, an empty directory may have
    /// it. See [`is_name_taken`].
    pub fn rename_to_free(from: &Path, to: &Path) -> io::Result<()> {
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            Err(Errno::INVAL | Errno::NOSYS) => Ok(rustix::fs::rename(from, to)?),
            moved => Ok(moved?),
        }
    }

    /// Tells whether [`rename_to_free`] failed because something has the new name.
    pub fn is_name_taken(err: &io::Error) -> bool {
        let errno = Errno::from_io_error(err);
        matches!(errno, Some(Errno::EXIST | Errno::NOTEMPTY))
    }

    /// Gives a temporary file its name.
    pub fn persist(temporary: NamedTempFile, target: &Path) -> io::Result<()> {
        temporary.persist(target).map(drop).map_err(|err| err.error)
    }

    /// Waits until the names in a directory have reached the disk.
    pub fn sync_directory(directory: &Path) -> io::Result<()> {
        File::open(directory)?.sync_all()
    }

    /// Whoever may read a file can open it, whatever others do with it.
    pub fn is_open_elsewhere(_: &io::Error) -> bool {
        false
    }
}

#[cfg(windows)]
mod platform {
    use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
    use std::io;
    use std::os::windows::fs::OpenOptionsExt as _;
    use std::path::Path;
    use std::thread;
    use std::time::Duration;

    use tempfile::NamedTempFile;
    use winapi_util::file;

    /// What others may do with a file while it is open: nothing but read it, or anything.
    ///
    /// Spec: CreateFileW, `FILE_SHARE_READ`, `FILE_SHARE_WRITE`, `FILE_SHARE_DELETE`.
    const SHARE_READ: u32 = 1;
    const SHARE_ALL: u32 = 7;

    /// A link is opened itself, and not followed: it is then no regular file. Spec: CreateFileW.
    const OPEN_REPARSE_POINT: u32 = 0x0020_0000;

    /// Codes of the system: access denied (also to a file that is open elsewhere, or about to be removed), open elsewhere.
    ///
    /// Spec: System Error Codes.
    const ACCESS_DENIED: i32 = 5;
    const SHARING_VIOLATION: i32 = 32;

    /// How often a file is tried that a virus scanner or a reader has open, and the pause between two tries.
    const TRIES: u32 = 25;
    const PAUSE: Duration = Duration::from_millis(20);

    /// Does something with a file, and tries again for half a second while another program has the file open.
    fn patiently<T>(
        is_busy: impl Fn(&io::Error) -> bool,
        mut attempt: impl FnMut() -> io::Result<T>,
    ) -> io::Result<T> {
        for _ in 1..TRIES {
            match attempt() {
                Err(err) if is_busy(&err) => thread::sleep(PAUSE),
                done => return done,
            }
        }
        attempt()
    }

    /// Opens a file for reading; no link is followed unless `follow` says so. One that another program allows nobody to read
    /// is tried again for half a second.
    pub fn open_to_read(path: &Path, follow: bool) -> io::Result<File> {
        let mut options = File::options();
        options.read(true);
        if !follow {
            options.custom_flags(OPEN_REPARSE_POINT);
        }
        patiently(is_open_elsewhere, || options.open(path))
    }

    /// Tells whether a file cannot be opened because another program has it open and shares it with nobody.
    pub fn is_open_elsewhere(err: &io::Error) -> bool {
        err.raw_os_error() == Some(SHARING_VIOLATION)
    }

    /// Opens a lock file, or makes it. The open file is the lock: whoever else wants it cannot open it. Unlike the locks of
    /// `LockFileEx` it goes to a child with the handle, and does not keep others from reading who holds it.
    pub fn open_to_lock(path: &Path) -> io::Result<File> {
        lock_options().create(true).truncate(false).open(path)
    }

    /// Makes a lock file that must not be there yet.
    pub fn open_new_lock(path: &Path) -> io::Result<File> {
        lock_options().create_new(true).open(path)
    }

    fn lock_options() -> OpenOptions {
        let mut options = File::options();
        options
            .read(true)
            .write(true)
            .share_mode(SHARE_READ)
            .custom_flags(OPEN_REPARSE_POINT);
        options
    }

    /// Tells whether a lock file could not be opened because another process holds the lock, or is removing it.
    pub fn is_held(err: &io::Error) -> bool {
        matches!(err.raw_os_error(), Some(SHARING_VIOLATION | ACCESS_DENIED))
    }

    /// The lock is held as long as the file is open.
    pub fn try_lock(_: &File) -> Result<(), TryLockError> {
        Ok(())
    }

    /// Every file system has them.
    pub fn has_no_locks(_: &io::Error) -> bool {
        false
    }

    /// Tells whether an open file is the one at a path and has its lock: nobody can open that file then.
    pub fn has_lock(file: &File, path: &Path) -> bool {
        is_at(file, path) && open_to_lock(path).is_err_and(|err| is_held(&err))
    }

    /// Releases a lock, unless a child has the file open too.
    pub fn release_lock(file: File) -> io::Result<()> {
        drop(file);
        Ok(())
    }

    /// Releases a lock, and removes its file unless somebody else has the lock by then.
    pub fn remove_lock(file: File, path: &Path) -> io::Result<()> {
        drop(file);
        let _ = fs::remove_file(path);
        Ok(())
    }

    /// Returns what tells an open file apart from all others.
    pub fn identity(file: &File) -> Option<(u64, u64)> {
        let found = file::information(file).ok()?;
        Some((found.volume_serial_number(), found.file_index()))
    }

    /// Returns the [`identity`] of a file that is not open, where the system tells.
    pub fn identity_in(_: &Metadata) -> Option<(u64, u64)> {
        None
    }

    /// Tells whether an open file is the one at a path.
    pub fn is_at(file: &File, path: &Path) -> bool {
        // Asking for nothing but what a file is works whoever else has it open.
        let mut options = File::options();
        options
            .access_mode(0)
            .share_mode(SHARE_ALL)
            .custom_flags(OPEN_REPARSE_POINT);
        let there = options.open(path).ok().and_then(|there| identity(&there));
        there.is_some() && identity(file) == there
    }

    /// Space cannot be reserved.
    pub fn reserve(_: &File, _: u64) -> io::Result<()> {
        Ok(())
    }

    /// Gives a file another name, in place of the file that has it. One that another program has open cannot be replaced at that
    /// moment; it is tried again for half a second.
    fn rename(from: &Path, to: &Path) -> io::Result<()> {
        patiently(|err| is_held(err) && !to.is_dir(), || fs::rename(from, to))
    }

    /// Renames a directory unless something has the new name: Windows never replaces one.
    pub fn rename_to_free(from: &Path, to: &Path) -> io::Result<()> {
        match to.exists() {
            true => Err(io::ErrorKind::AlreadyExists.into()),
            false => fs::rename(from, to),
        }
    }

    /// Tells whether [`rename_to_free`] failed because something has the new name. A directory that appeared meanwhile gives an access error.
    pub fn is_name_taken(err: &io::Error) -> bool {
        err.kind() == io::ErrorKind::AlreadyExists || is_held(err)
    }

    /// Gives a temporary file its name; it is closed before that.
    pub fn persist(temporary: NamedTempFile, target: &Path) -> io::Result<()> {
        let path = temporary.into_temp_path().keep().map_err(|err| err.error)?;
        rename(&path, target).inspect_err(|_| drop(fs::remove_file(&path)))
    }

    /// The file system's journal keeps names.
    pub fn sync_directory(_: &Path) -> io::Result<()> {
        Ok(())
    }
}
