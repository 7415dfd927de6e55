//! A disk that is full: a small file system in memory with so much room left and no more.

use std::cell::RefCell;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::calls::Options;
use crate::judge::{Before, Case};
use crate::place::{Place, make_directory};
use crate::report::{Report, Trial};
use crate::scenario::Scenario;
use crate::witness::Witness;

/// What is tried: a recording, a run, an export and an upgrade.
const SCENARIOS: [&str; 6] =
    ["init", "record-delete", "sync-delete", "sync-untag", "export", "migrate-record"];

const BALLAST: &str = "ballast";

/// Room on the file system without the ballast.
const SIZE: &str = "8m";

/// Enough room for each command, in bytes.
const ROOM_MAX: u64 = 1 << 20;

/// Most sizes are small: much happens in the first pages.
fn room(number: u64, sizes: u64) -> u64 {
    ROOM_MAX * number * number / ((sizes - 1) * (sizes - 1))
}

/// A file system in memory, gone with this.
struct Tmpfs(PathBuf);

impl Tmpfs {
    fn mount(path: &Path) -> Result<Self> {
        make_directory(path)?;
        let options = format!("size={SIZE},mode=0700");
        let mut mount = Command::new("mount");
        let output = mount.args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(path).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "no file system can be mounted here: {}", said.trim());
        Ok(Self(path.to_owned()))
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let status = Command::new("umount").arg("-l").arg(&self.0).status();
        if !status.is_ok_and(|status| status.success()) {
            eprintln!("{} could not be unmounted", self.0.display());
        }
    }
}

/// Whether a file system can be mounted here.
pub fn works(dir: &Path) -> bool {
    Tmpfs::mount(&dir.join("mountable")).is_ok()
}

/// So many sizes of each scenario, from nothing upwards.
pub fn run(options: &Options, sizes: u64, report: &Report) -> Result<()> {
    ensure!(sizes >= 2, "two sizes at least");
    for name in SCENARIOS {
        let scenario = Scenario::find(name)?;
        let template = options.dir.join("disk").join(name).join("template");
        scenario.make_journal(&template, &options.program)?;
        let mut full = 0;
        for number in 0..sizes {
            let room = room(number, sizes);
            let dir = options.dir.join("disk").join(name).join(format!("{room}"));
            let mounted = Tmpfs::mount(&dir)?;
            let tried = tried(options, scenario, &template, &dir, room);
            full += usize::from(matches!(tried, Ok(true)));
            let struck = usize::from(!matches!(tried, Ok(false)));
            let kept = dir.with_extension("kept");
            crate::place::copy(&dir, &kept)?;
            drop(mounted);
            let trial = Trial {
                what: format!("full disk: {name} with {room} bytes left"),
                again: format!("journal-crash full-disk --sizes {sizes}"),
                struck: (struck, struck),
                verdict: tried.map(drop),
                dir: kept,
            };
            report.take("full-disk", trial)?;
        }
        let enough = (1..usize::try_from(sizes)?).contains(&full);
        let trial = Trial {
            what: format!("full disk: {name} was full {full} times of {sizes}"),
            again: format!("journal-crash full-disk --sizes {sizes}"),
            struck: (0, 0),
            verdict: if enough {
                Ok(())
            } else {
                Err(anyhow::anyhow!("all sizes are alike, which tries nothing"))
            },
            dir: template,
        };
        report.take("full-disk", trial)?;
    }
    report.show("full-disk", &format!("{} scenarios, {sizes} sizes each", SCENARIOS.len()));
    Ok(())
}

/// One command with so much room, then recovery with enough; whether it met the end of the disk.
fn tried(
    options: &Options,
    scenario: &Scenario,
    template: &Path,
    dir: &Path,
    room: u64,
) -> Result<bool> {
    let witness = Witness::default();
    let zoho = scenario.start_zoho(&witness)?;
    let mut place = Place::copied(template, dir, &options.program, &zoho)?;
    scenario.settle_in(&mut place);
    (scenario.approach)(&place, &zoho)?;
    witness.watch(&place.db());
    let before = Before::of(&place, scenario.kind)?;
    fill(&place.file(BALLAST), room)?;
    let ran = place.run(scenario.command)?;
    fs::remove_file(place.file(BALLAST))?;
    let said = format!("{}{}", ran.stdout, ran.stderr);
    let well = ran.code.is_some_and(|code| [0, 3].contains(&code));
    if !well {
        ensure!(ran.code == Some(1), "it did not end as it should: {ran}");
        let named = ["disk is full", "No space left", "os error 28"]
            .iter()
            .any(|words| said.contains(words));
        ensure!(named, "it does not say that the disk is full: {ran}");
    }
    let case = Case {
        scenario,
        place: &place,
        zoho: &zoho,
        witness: &witness,
        before: &before,
        ran: &ran,
        second: RefCell::default(),
        second_struck: RefCell::default(),
        sabotage: None,
    };
    case.judge()?;
    Ok(!well)
}

/// Writes until nothing fits any more, and gives so much back.
fn fill(ballast: &Path, room: u64) -> Result<()> {
    let mut file: File = OpenOptions::new().create_new(true).write(true).open(ballast)?;
    let block = [1_u8; 4096];
    let mut written: u64 = 0;
    let error = loop {
        match file.write(&block) {
            Ok(bytes) => written += u64::try_from(bytes)?,
            Err(error) => break error,
        }
    };
    ensure!(error.kind() == std::io::ErrorKind::StorageFull, "the disk does not fill up: {error}");
    file.set_len(written.saturating_sub(room)).context("making room")
}
