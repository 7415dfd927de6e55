//! What a simulator begins with: its configuration, checked and made into a world.

use std::io;

use super::config::{ChildrenAtStart, Config, LinksAtStart};
use super::control;
use super::fault::is_rate;
use super::scopes::is_scope;
use super::state::{
    List, MOST_ON_RECORD, MOST_TAGS, Module, World, find_list, is_tag_name, lists_of,
};

/// The world that a configuration asks for.
///
/// # Errors
/// When something in the configuration makes no sense; it says what, and what to give instead.
pub(crate) fn world(config: &Config, now: i64) -> io::Result<World> {
    check(config)?;
    let mut world = World::new(config.seed);
    for (module, count) in &config.records {
        world.add_module(module);
        world.add_records(module, *count, now);
    }
    for (module, name) in &config.tags {
        tag(&mut world, module, name, now)?;
    }
    for links in &config.links {
        link(&mut world, links, now)?;
    }
    for children in &config.children {
        bear(&mut world, children)?;
    }
    Ok(world)
}

fn refuse<T>(why: impl Into<String>) -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::InvalidInput, why.into()))
}

fn check(config: &Config) -> io::Result<()> {
    // The controls ask for no token.
    if !config.listen.ip().is_loopback() {
        return refuse(format!(
            "{} is not a loopback address: the simulator listens on 127.0.0.1 or ::1 only",
            config.listen
        ));
    }
    for (module, _) in &config.records {
        let good = module.starts_with(|first: char| first.is_ascii_alphabetic())
            && module.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !good {
            return refuse(format!("\"{module}\" is not a module's API name: write Leads=100"));
        }
    }
    if let Some((fault, rate)) = config.faults.iter().find(|(_, rate)| !is_rate(*rate)) {
        return refuse(format!("the rate {rate} of {fault} is not from 0 to 1"));
    }
    let scopes = config.scopes.iter().flatten();
    if let Some(bad) = scopes.into_iter().find(|scope| !is_scope(scope)) {
        return refuse(format!("\"{bad}\" is not a scope: write ZohoCRM.modules.ALL"));
    }
    if ![200, 207].contains(&config.mixed_status) {
        return refuse(format!("the mixed status {} is neither 200 nor 207", config.mixed_status));
    }
    if ![200, 400].contains(&config.token_throttle_status) {
        let status = config.token_throttle_status;
        return refuse(format!(
            "the status {status} of a throttled token call is neither 200 nor 400"
        ));
    }
    if config.users == 0 {
        return refuse("an org has at least one user");
    }
    if config.job_scheduled_ms < 0 || config.job_running_ms < 0 {
        return refuse("a job cannot take less than no time");
    }
    if config.restore_scheduled_ms < 0 {
        return refuse("a restore cannot wait for less than no time");
    }
    Ok(())
}

/// A module's live records, oldest first.
fn live(module: &Module) -> Vec<u64> {
    let live = module.newest_first().filter(|(_, record)| record.is_live());
    let mut ids: Vec<u64> = live.map(|(id, _)| id).collect();
    ids.reverse();
    ids
}

fn records_of(world: &World, module: &str) -> io::Result<Vec<u64>> {
    let Some(found) = world.module(module) else {
        return refuse(format!(
            "there is no module {module}: give its API name, and --records {module}=N for a custom one"
        ));
    };
    Ok(live(found))
}

fn tag(world: &mut World, module: &str, name: &str, now: i64) -> io::Result<()> {
    let records = records_of(world, module)?;
    if !is_tag_name(name) {
        return refuse(format!(
            "\"{name}\" is no name of a tag: up to 25 characters, without <, > and comma"
        ));
    }
    if world.tag_named(module, name).is_some() {
        return refuse(format!("the tag {module}={name} is given twice"));
    }
    let most = if records.is_empty() { MOST_TAGS } else { MOST_ON_RECORD };
    if world.tags_of_module(module).count() >= most {
        let whose = if records.is_empty() { "module" } else { "record" };
        return refuse(format!("{module} has {most} tags already, the most of a {whose}"));
    }
    control::tag(world, module, &[name], &records, now);
    Ok(())
}

fn bear(world: &mut World, children: &ChildrenAtStart) -> io::Result<()> {
    let ChildrenAtStart { parent: name, module, count } = children;
    let Some(parent) = records_of(world, name)?.first().copied() else {
        return refuse(format!("{name} has no record to be a parent: add --records {name}=1"));
    };
    let mut records = records_of(world, module)?;
    records.retain(|id| *id != parent);
    let Some(ids) = records.get(..*count) else {
        return refuse(format!(
            "{name}/{module}={count} wants {count} records of {module} besides the parent, and \
             there are {}",
            records.len()
        ));
    };
    if ids.iter().all(|id| world.parent_of(*id).is_none() && world.set_parent(*id, Some(parent))) {
        return Ok(());
    }
    refuse(format!("{name}/{module}={count}: a record has one parent, and is not its own ancestor"))
}

fn link(world: &mut World, links: &LinksAtStart, now: i64) -> io::Result<()> {
    let LinksAtStart { module, list, count } = links;
    let Some(parent) = records_of(world, module)?.first().copied() else {
        return refuse(format!("{module} has no record to link from: add --records {module}=1"));
    };
    let Some(found) = find_list(module, list, None) else {
        let known: Vec<&str> = lists_of(module, None).into_iter().map(List::name).collect();
        return refuse(format!("{module} has no related list {list}, but {}", known.join(", ")));
    };
    let Some(shown) = found.shows() else {
        control::children(world, found, parent, *count);
        return Ok(());
    };
    let records = records_of(world, shown)?;
    let Some(ids) = records.get(..*count) else {
        return refuse(format!(
            "{module}/{list}={count} wants {count} records of {shown}, and there are {}: \
             give --records {shown}={count}",
            records.len()
        ));
    };
    control::link(world, found, parent, ids, now);
    Ok(())
}
