//! Which URL means what. One file a family; a new operation is a variant here and a file beside.

mod bin;
pub(crate) mod control;
mod delete;
mod deleted;
pub(crate) mod oauth;
mod org;
mod page;
mod records;
mod settings;

pub(crate) use delete::Delete;

use super::answer::{Answer, invalid_method, invalid_url};
use super::call::Call;
use super::state::World;

/// An API version, times ten: 20 is v2, 21 is v2.1, 80 is v8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(u8);

impl Version {
    pub(crate) const V2_1: Self = Self(21);
    pub(crate) const V3: Self = Self(30);
    pub(crate) const V6: Self = Self(60);

    fn read(text: &str) -> Option<Self> {
        let (major, minor) = match text.strip_prefix('v')? {
            "2" => (2, 0),
            "2.1" => (2, 1),
            "3" => (3, 0),
            "4" => (4, 0),
            "5" => (5, 0),
            "6" => (6, 0),
            "7" => (7, 0),
            "8" => (8, 0),
            _ => return None,
        };
        Some(Self(major * 10 + minor))
    }
}

/// What a call asks for.
#[derive(Debug)]
pub(crate) enum Route {
    /// To see something.
    Read(Read),
    /// To change something.
    Write(Write),
}

/// Reads.
#[derive(Debug)]
pub(crate) enum Read {
    Records(Version, String),
    Record(String, String),
    Deleted(String),
    Count(String),
    Bin,
    BinRecord(String),
    Modules,
    Module(String),
    Org,
    Users,
}

/// Writes.
#[derive(Debug, Clone)]
pub(crate) enum Write {
    Delete(Delete),
}

/// The circumstances of a write.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Doing {
    /// The call's number.
    pub(crate) request: u64,
    pub(crate) at_ms: i64,
    /// The status of an answer in which some items failed.
    pub(crate) mixed_status: u16,
    /// Refuses one item, chosen by these bits.
    pub(crate) refuse: Option<u64>,
}

/// Finds what a call asks for, or the error that says why it is nothing.
pub(crate) fn find(call: &Call) -> Result<Route, Answer> {
    let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    let ["crm", version, rest @ ..] = segments.as_slice() else {
        return Err(invalid_url());
    };
    let version = Version::read(version).ok_or_else(invalid_url)?;
    let read = find_read(version, rest).ok_or_else(invalid_url)?;
    match (call.method.as_str(), read) {
        ("GET", read) => Ok(Route::Read(read)),
        ("DELETE", Read::Records(version, module)) => {
            Ok(Route::Write(Write::Delete(Delete::bulk(version, module, call))))
        }
        ("DELETE", Read::Record(module, id)) => {
            Ok(Route::Write(Write::Delete(Delete::single(version, module, id, call))))
        }
        _ => Err(invalid_method()),
    }
}

fn find_read(version: Version, path: &[&str]) -> Option<Read> {
    let read = match path {
        ["org"] => Read::Org,
        ["users"] => Read::Users,
        ["settings", "modules"] => Read::Modules,
        ["settings", "modules", name] => Read::Module((*name).to_owned()),
        // The Get Recycle Bin page begins with v6.
        ["settings", "recycle_bin"] if version >= Version::V6 => Read::Bin,
        ["settings", "recycle_bin", id] if version >= Version::V6 => {
            Read::BinRecord((*id).to_owned())
        }
        ["settings" | "org" | "users" | "", ..] | [_, ""] => return None,
        [module] => Read::Records(version, (*module).to_owned()),
        [module, "deleted"] => Read::Deleted((*module).to_owned()),
        [module, id] => Read::Record((*module).to_owned(), (*id).to_owned()),
        [module, "actions", "count"] if version >= Version::V2_1 => {
            Read::Count((*module).to_owned())
        }
        _ => return None,
    };
    Some(read)
}

impl Read {
    /// What the call costs, in credits (API Limits page).
    pub(crate) const fn credits(&self) -> u64 {
        match self {
            Self::Deleted(_) => 2,
            Self::Records(..)
            | Self::Record(..)
            | Self::Count(_)
            | Self::Bin
            | Self::BinRecord(_)
            | Self::Modules
            | Self::Module(_)
            | Self::Org
            | Self::Users => 1,
        }
    }

    /// Answers it.
    pub(crate) fn answer(&self, world: &World, call: &Call, now: i64) -> Answer {
        let answer = match self {
            Self::Records(version, module) => records::list(world, call, *version, module),
            Self::Record(module, id) => records::one(world, module, id),
            Self::Deleted(module) => deleted::list(world, call, module, now),
            Self::Count(module) => records::count(world, module),
            Self::Bin => bin::list(world, call),
            Self::BinRecord(id) => Ok(bin::one(world, id)),
            Self::Modules => Ok(settings::modules(world)),
            Self::Module(name) => settings::module(world, name),
            Self::Org => Ok(org::org(world)),
            Self::Users => org::users(world, call),
        };
        answer.unwrap_or_else(|error| error)
    }
}

impl Write {
    /// What the call costs, in credits: delete is not listed apart (API Limits page).
    pub(crate) const fn credits(&self) -> u64 {
        match self {
            Self::Delete(_) => 1,
        }
    }

    /// The module it names.
    pub(crate) fn module(&self) -> &str {
        match self {
            Self::Delete(delete) => delete.module(),
        }
    }

    /// The ids it names, as sent.
    pub(crate) fn ids(&self) -> Vec<String> {
        match self {
            Self::Delete(delete) => delete.ids(),
        }
    }

    /// Whether it names one record by path.
    pub(crate) const fn is_single(&self) -> bool {
        match self {
            Self::Delete(delete) => delete.is_single(),
        }
    }

    /// Does it: the answer, and how many records it changed.
    pub(crate) fn carry_out(&self, world: &mut World, doing: Doing) -> (Answer, usize) {
        match self {
            Self::Delete(delete) => delete.carry_out(world, doing),
        }
    }
}

/// A record id as Zoho takes it: 10 to 19 digits without a leading zero.
pub(crate) fn read_id(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let good = digits && (10..=19).contains(&text.len()) && !text.starts_with('0');
    good.then(|| text.parse().ok()).flatten()
}

/// A module that the API serves, or the error that says why it does not.
pub(crate) fn find_module<'a>(
    world: &'a World,
    name: &str,
) -> Result<&'a super::state::Module, Answer> {
    let module = world.module(name).ok_or_else(super::answer::invalid_module)?;
    if module.api_supported { Ok(module) } else { Err(super::answer::unsupported_module()) }
}
