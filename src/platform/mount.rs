//! Network file systems, on which neither locks nor shared memory can be relied upon
//! (sqlite.org/wal.html, "All processes using a database must be on the same host computer").

use std::io;
use std::path::Path;

use super::file::parent_of;

/// The name of the network file system a path lies on, or would lie on once created; `None` for a
/// local one. A FUSE file system counts when its kind is known to be remote.
pub fn network_file_system(path: &Path) -> io::Result<Option<&'static str>> {
    let mut existing = path;
    while let Err(error) = std::fs::metadata(existing) {
        let parent = parent_of(existing);
        if error.kind() != io::ErrorKind::NotFound || parent == existing {
            return Err(error);
        }
        existing = parent;
    }
    kind_at(existing)
}

#[cfg(target_os = "linux")]
fn kind_at(existing: &Path) -> io::Result<Option<&'static str>> {
    use std::os::unix::fs::MetadataExt;

    let magic = magic_at(existing)?;
    if magic != FUSE {
        return Ok(of_magic(magic));
    }
    let device = std::fs::metadata(existing)?.dev();
    let mounts = std::fs::read("/proc/self/mountinfo")?;
    let mounts = String::from_utf8_lossy(&mounts);
    Ok(type_of_device(&mounts, nix::sys::stat::major(device), nix::sys::stat::minor(device))
        .and_then(of_fuse_type))
}

/// The low 32 bits of `f_type`, whose width and sign differ between architectures and libcs.
#[cfg(target_os = "linux")]
#[allow(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "magic numbers have 32 bits; the field is wider and signed on some systems"
)]
fn magic_at(existing: &Path) -> io::Result<u32> {
    Ok(nix::sys::statfs::statfs(existing)?.filesystem_type().0 as u32)
}

#[cfg(target_os = "macos")]
fn kind_at(existing: &Path) -> io::Result<Option<&'static str>> {
    const REMOTE: [&str; 6] = ["afpfs", "ftp", "macfuse", "nfs", "smbfs", "webdav"];
    let found = nix::sys::statfs::statfs(existing)?;
    let name = found.filesystem_type_name();
    Ok(REMOTE.into_iter().find(|remote| *remote == name))
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn kind_at(_existing: &Path) -> io::Result<Option<&'static str>> {
    Err(io::Error::new(io::ErrorKind::Unsupported, super::Unsupported))
}

/// `FUSE_SUPER_MAGIC` of linux/magic.h: says nothing about what is behind it.
#[cfg(target_os = "linux")]
const FUSE: u32 = 0x6573_5546;

/// Magic numbers from linux/magic.h, statfs(2) and the file systems' own sources. Cluster file
/// systems are among them: two hosts may write, and SQLite's shared memory is one host's.
#[cfg(target_os = "linux")]
fn of_magic(magic: u32) -> Option<&'static str> {
    Some(match magic {
        0x6969 => "nfs",
        0x517b => "smb",
        0xff53_4d42 => "cifs",
        0xfe53_4d42 => "smb2",
        0x564c => "ncp",
        0x0102_1997 => "9p",
        0x5346_414f | 0x6b41_4653 => "afs",
        0x00c3_6400 => "ceph",
        0x7375_7245 => "coda",
        0x0bd0_0bd0 => "lustre",
        0x4750_4653 => "gpfs",
        0x0116_1970 => "gfs2",
        0x7461_636f => "ocfs2",
        0x2003_0528 => "orangefs",
        0x1983_0326 => "beegfs",
        0x786f_4256 => "vboxsf",
        _ => return None,
    })
}

/// The file system type of the mount with this device number. A line reads
/// `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw` (proc(5)); the device is used
/// because paths can be mounted over.
#[cfg(target_os = "linux")]
fn type_of_device(mountinfo: &str, major: u64, minor: u64) -> Option<&str> {
    let device = format!("{major}:{minor}");
    mountinfo.lines().find_map(|line| {
        let (mount, source) = line.split_once(" - ")?;
        (mount.split(' ').nth(2)? == device).then(|| source.split(' ').next())?
    })
}

/// FUSE file systems whose files lie on another machine.
#[cfg(target_os = "linux")]
fn of_fuse_type(name: &str) -> Option<&'static str> {
    const REMOTE: [&str; 19] = [
        "fuse.sshfs",
        "fuse.glusterfs",
        "fuse.ceph-fuse",
        "fuse.ceph",
        "fuse.s3fs",
        "fuse.mount-s3",
        "fuse.mountpoint-s3",
        "fuse.goofys",
        "fuse.rclone",
        "fuse.gcsfuse",
        "fuse.blobfuse2",
        "fuse.juicefs",
        "fuse.seaweedfs",
        "fuse.mfs",
        "fuse.curlftpfs",
        "fuse.davfs",
        "fuse.smbnetfs",
        "fuse.google-drive-ocamlfuse",
        "virtiofs",
    ];
    REMOTE.into_iter().find(|remote| *remote == name)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_is_not_there_yet_is_judged_by_what_is() {
        let place = tempfile::tempdir().unwrap();
        let here = network_file_system(place.path()).unwrap();
        let there = network_file_system(&place.path().join("not/yet/acme.db")).unwrap();
        assert_eq!(here, there);
        assert_eq!(network_file_system(Path::new("/proc")).unwrap(), None);
    }

    #[test]
    fn network_magics_are_known_and_local_ones_pass() {
        assert_eq!(of_magic(0x6969), Some("nfs"));
        assert_eq!(of_magic(0xff53_4d42), Some("cifs"));
        assert_eq!(of_magic(0x0102_1997), Some("9p"));
        for local in [0xef53, 0x0102_1994, 0x5846_5342, 0x9123_683e, 0x794c_7630] {
            assert_eq!(of_magic(local), None, "{local:x}");
        }
    }

    #[test]
    fn a_fuse_mount_is_judged_by_its_kind() {
        let mounts = "\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
90 22 0:51 / /mnt/my\\040share rw,nosuid shared:7 master:2 - fuse.sshfs me@host:/ rw
91 22 0:52 / /mnt/crypt rw,nosuid - fuse.gocryptfs /home/me/c rw
damaged line
";
        let kind = |minor| type_of_device(mounts, 0, minor);
        assert_eq!(kind(51).and_then(of_fuse_type), Some("fuse.sshfs"));
        assert_eq!(kind(52), Some("fuse.gocryptfs"));
        assert_eq!(kind(52).and_then(of_fuse_type), None);
        assert_eq!(kind(5), None);
        assert_eq!(type_of_device(mounts, 8, 1), Some("ext4"));
    }
}
