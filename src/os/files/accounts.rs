//! What the system's database of users and groups says, whatever the environment says.

pub use platform::home;
#[cfg(unix)]
pub(super) use platform::is_own_group;

#[cfg(unix)]
mod platform {
    use std::fs;
    use std::path::PathBuf;

    use nix::unistd::{Gid, Group, Uid, User};
    use rustix::process::{getegid, getgroups};

    /// Returns the home directory of the user whose process this is; `None` if the database does not know the user.
    pub fn home() -> Option<PathBuf> {
        us().map(|user| user.dir).filter(|home| home.is_absolute())
    }

    fn us() -> Option<User> {
        User::from_uid(Uid::effective()).ok().flatten()
    }

    /// Tells whether what the members of a group can write to can be written to by nobody but this user and root.
    pub(in crate::os::files) fn is_own_group(gid: u32) -> bool {
        let Ok(group) = Group::from_gid(Gid::from_raw(gid)) else {
            return false;
        };
        let ours = getgroups()
            .unwrap_or_default()
            .into_iter()
            .chain([getegid()])
            .any(|group| group.as_raw() == gid);
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let user = us().map(|user| (user.name, user.gid.as_raw()));
        let group = group.map(|group| (group.name, group.mem));
        is_own(gid, user, group, (ours, &passwd, Uid::effective().as_raw()))
    }

    /// A name and the names of the members.
    type Named = (String, Vec<String>);

    /// `user` is the name and the primary group of this user; `ours` tells whether this process is in the group.
    fn is_own(
        gid: u32,
        user: Option<(String, u32)>,
        group: Option<Named>,
        (ours, passwd, uid): (bool, &str, u32),
    ) -> bool {
        // A volume of a container may have a group that has no name there.
        let Some((name, members)) = group else {
            return ours;
        };
        let is_me = |member: &String| {
            member == "root" || user.as_ref().is_some_and(|(name, _)| name == member)
        };
        // Whoever has it as the primary group is no listed member.
        let others = passwd.lines().filter_map(|line| {
            let mut fields = line.split(':').skip(2);
            Some((
                fields.next()?.parse::<u32>().ok()?,
                fields.next()?.parse::<u32>().ok()?,
            ))
        });
        let is_others = others
            .into_iter()
            .any(|(of, primary)| primary == gid && of != uid && of != 0);
        let is_named_like_us = user
            .as_ref()
            .is_some_and(|(user, primary)| *primary == gid && *user == name);
        let is_roots = gid == 0;
        members.iter().all(is_me) && (is_roots || is_named_like_us && !is_others)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a12_a_group_of_ones_own() {
            let passwd = "root:x:0:0::/root:/bin/sh\nsync:x:4:0::/bin:/bin/sync\nann:x:1000:1000::/home/ann:/bin/sh\n\
                      bob:x:1001:100::/home/bob:/bin/sh\neve:x:1002:1003::/home/eve:/bin/sh\n";
            let group = |name: &str, members: &[&str]| {
                Some((
                    name.to_owned(),
                    members.iter().map(|it| (*it).to_owned()).collect(),
                ))
            };
            let ann = |gid| Some(("ann".to_owned(), gid));
            for (gid, user, group, ours, expected, what) in [
                (
                    1000,
                    ann(1000),
                    group("ann", &[]),
                    true,
                    true,
                    "a private group",
                ),
                (
                    1000,
                    ann(1000),
                    group("ann", &["ann", "root"]),
                    true,
                    true,
                    "a private group that lists its owner",
                ),
                (
                    1000,
                    ann(1000),
                    group("ann", &["bob"]),
                    true,
                    false,
                    "a private group with a guest",
                ),
                (
                    100,
                    ann(100),
                    group("users", &[]),
                    true,
                    false,
                    "a primary group of all users",
                ),
                (
                    100,
                    ann(1000),
                    group("users", &["ann"]),
                    true,
                    false,
                    "a group that is the primary one of somebody else",
                ),
                (
                    50,
                    ann(1000),
                    group("staff", &[]),
                    true,
                    false,
                    "a group without members",
                ),
                (
                    1003,
                    ann(1003),
                    group("ann", &[]),
                    true,
                    false,
                    "the primary group of somebody else",
                ),
                (
                    0,
                    ann(1000),
                    group("root", &[]),
                    false,
                    true,
                    "the system's",
                ),
                (
                    0,
                    ann(1000),
                    group("root", &["bob"]),
                    false,
                    false,
                    "the system's with a guest",
                ),
                (2000, None, None, true, true, "the volume of a container"),
                (
                    2000,
                    ann(1000),
                    None,
                    false,
                    false,
                    "a group without a name that we are not in",
                ),
                (
                    1000,
                    None,
                    group("ann", &[]),
                    true,
                    false,
                    "a user without a name",
                ),
            ] {
                assert_eq!(
                    is_own(gid, user, group, (ours, passwd, 1000)),
                    expected,
                    "{what}"
                );
            }
        }
    }
}

#[cfg(windows)]
mod platform {
    use std::path::PathBuf;

    /// Returns the profile directory of the user whose process this is.
    pub fn home() -> Option<PathBuf> {
        std::env::home_dir().filter(|home| home.is_absolute())
    }
}
