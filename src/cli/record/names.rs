//! Tags by their names: looked up while a request is recorded. Only reads, and nothing is guessed.

use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::record::Asked;
use crate::cli::signing::{self, NotRead};
use crate::cli::things::quoted;
use crate::config::distance;
use crate::domain::answer::{ReadError, TagSeen};
use crate::domain::calls::{self, WriteCall};
use crate::domain::id::{ModuleName, RecordId};
use crate::domain::scope::TagName;
use crate::domain::scopes::{self, Access};
use crate::domain::target::{ApiVersion, Product};
use crate::zoho::Zoho;

/// Tags that are shown where none has the name that was given.
const SHOWN_TAGS: usize = 10;

/// What names turned out to mean.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    pub(super) tags: Vec<NamedTag>,
    /// Zoho's id of the module, where the call that deletes tags names it.
    pub(super) module_id: Option<RecordId>,
}

/// A tag that was named, as Zoho has it.
#[derive(Debug, Serialize)]
pub(super) struct NamedTag {
    pub(super) name: String,
    pub(super) id: RecordId,
}

/// Where tags are looked up.
#[derive(Clone, Copy)]
struct Place<'a> {
    product: Product,
    version: ApiVersion,
    module: &'a ModuleName,
    /// The org that the journal is bound to.
    org: Option<&'a str>,
}

/// Looks the names up; does nothing where there are none.
pub(super) fn resolve(context: &mut Context, asked: &Asked<'_>) -> Result<Resolved, CliError> {
    if asked.names.is_empty() {
        return Ok(Resolved::default());
    }
    let product = context.settings.product.value;
    let version = context.settings.api_version_for(product);
    let org = context.whereabouts()?.org;
    let place = Place { product, version, module: asked.module, org: org.as_deref() };
    signing::check_possible(context, "--name needs a read; nothing was recorded")?;
    let zoho = signing::client(context)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (tags, module) = runtime.block_on(read(&zoho, place, context))?;
    let tags = find(asked.module, asked.names, &tags)?;
    for (name, tag) in asked.names.iter().zip(&tags) {
        if name.as_str() != tag.name {
            let (given, found) = (quoted(name.as_str()), quoted(&tag.name));
            context.out.warn(&format!("no tag is named {given}; {found} is taken"));
        }
    }
    let module_id = match module {
        Ok(id) => id,
        Err(why) => {
            let module = asked.module;
            context.out.warn(&format!(
                "the id of the module {module} cannot be read ({why}); the first sync reads it again"
            ));
            None
        }
    };
    Ok(Resolved { tags, module_id })
}

/// The module's tags, and its id where it is needed and may be read.
async fn read<Z: Zoho>(
    zoho: &Z,
    place: Place<'_>,
    context: &Context,
) -> Result<(Vec<TagSeen>, Result<Option<RecordId>, ReadError>), CliError> {
    let Place { product, version, module, org } = place;
    let failed = |error: &NotRead, what: &str| failed(error, what, place, context);
    if let Some(bound) = org {
        // Another org's tags have other ids.
        let found = signing::read(zoho, async |zoho: &Z| zoho.read_org(product, version).await);
        let found = found.await.map_err(|error| failed(&error, "the org"))?.value.id.to_string();
        if found != bound {
            let error = format!(
                "the token belongs to org {found}, and this journal to org {bound}; nothing was recorded"
            );
            return Err(
                CliError::new(Exit::Refused, error).hint("use the token of the journal's own org")
            );
        }
    }
    let tags = signing::read(zoho, async |zoho: &Z| zoho.read_tags(product, version, module).await);
    let tags = tags.await.map_err(|error| failed(&error, &format!("the tags of {module}")))?.value;
    let call = calls::find(crate::domain::scope::Operation::DeleteTags, product, version);
    if !call.is_some_and(WriteCall::names_module_id) {
        return Ok((tags, Ok(None)));
    }
    let read =
        signing::read(zoho, async |zoho: &Z| zoho.read_module(product, version, module).await);
    let module_id = match read.await {
        Ok(read) => Ok(read.value.id),
        Err(NotRead::Read(error @ ReadError::Forbidden { .. })) => Err(error),
        Err(error) => return Err(failed(&error, &format!("the module {module}"))),
    };
    Ok((tags, module_id))
}

/// A read that brought nothing: nothing was recorded.
fn failed(error: &NotRead, what: &str, place: Place<'_>, context: &Context) -> CliError {
    let scope = |access| scopes::least(place.product, access, None);
    let hint = match error {
        NotRead::Read(ReadError::Forbidden { .. }) => {
            format!("the token needs {} and {}", scope(Access::Tags), scope(Access::Org))
        }
        NotRead::Read(ReadError::NotThere { .. }) => {
            format!("is {} the module's API name?", place.module)
        }
        NotRead::Read(ReadError::Throttled { retry_after }) => {
            let when = retry_after.map_or_else(
                || "later".to_owned(),
                |after| format!("in {} s", after.as_secs().max(1)),
            );
            format!("Zoho asks for fewer calls: try again {when}")
        }
        NotRead::Read(ReadError::Unreachable(_) | ReadError::Unusable { .. }) => {
            "try again, or give the tags' ids: they need no read".to_owned()
        }
        NotRead::Read(ReadError::Unauthorized { .. }) | NotRead::SignIn(_) => error.hint(context),
    };
    let told = format!("cannot read {what}: {error}; nothing was recorded");
    CliError::new(error.exit(), told).hint(hint)
}

/// The tag of each name. Whether Zoho tells capitals apart is documented nowhere, so a name that differs by
/// capitals is taken only where it can mean but one tag.
fn find(
    module: &ModuleName,
    names: &[TagName],
    tags: &[TagSeen],
) -> Result<Vec<NamedTag>, CliError> {
    let mut found = Vec::with_capacity(names.len());
    let mut missing = Vec::new();
    for name in names {
        let exact = tags.iter().filter(|tag| tag.name == name.as_str());
        let mut fitting: Vec<&TagSeen> = exact.collect();
        if fitting.is_empty() {
            fitting = tags.iter().filter(|tag| name.may_be(&tag.name)).collect();
        }
        match fitting.as_slice() {
            [] => missing.push(name),
            [tag] => found.push(NamedTag { name: tag.name.clone(), id: tag.id }),
            several => return Err(ambiguous(module, name, several)),
        }
    }
    match missing.first() {
        None => Ok(found),
        Some(first) => Err(unknown(module, first, &missing, tags)),
    }
}

fn ambiguous(module: &ModuleName, name: &TagName, tags: &[&TagSeen]) -> CliError {
    let several: Vec<String> =
        tags.iter().map(|tag| format!("{} ({})", quoted(&tag.name), tag.id)).collect();
    let error = format!(
        "several tags of {module} may be {}: {}; nothing was recorded",
        quoted(name.as_str()),
        several.join(", ")
    );
    CliError::new(Exit::Error, error).hint("give the id of the one that is meant")
}

fn unknown(
    module: &ModuleName,
    first: &TagName,
    missing: &[&TagName],
    tags: &[TagSeen],
) -> CliError {
    let names: Vec<String> = missing.iter().map(|name| quoted(name.as_str())).collect();
    let names = names.join(" or ");
    if tags.is_empty() {
        let error =
            format!("no tag of {module} is named {names}: it has none; nothing was recorded");
        return CliError::new(Exit::Error, error).hint("check the module");
    }
    let wanted = first.as_str().to_lowercase();
    let mut near: Vec<(usize, &str)> = tags
        .iter()
        .map(|tag| (distance(&wanted, &tag.name.to_lowercase()), tag.name.as_str()))
        .collect();
    near.sort_unstable();
    let shown: Vec<String> = near.iter().take(SHOWN_TAGS).map(|(_, name)| quoted(name)).collect();
    let more = match near.len().saturating_sub(SHOWN_TAGS) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let error = format!(
        "no tag of {module} is named {names}; its tags are {}{more}; nothing was recorded",
        shown.join(", ")
    );
    CliError::new(Exit::Error, error).hint("correct the name, or give the tag's id")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(names: &[&str]) -> Vec<TagSeen> {
        (4_104_050_000_022_640_405..)
            .zip(names)
            .map(|(id, name)| TagSeen {
                id: RecordId::from_stored(id).unwrap(),
                name: (*name).to_owned(),
                color: None,
            })
            .collect()
    }

    fn look_up(given: &[&str], there: &[&str]) -> Result<Vec<String>, String> {
        let given: Vec<TagName> = given.iter().map(|name| name.parse().unwrap()).collect();
        find(&"Leads".parse().unwrap(), &given, &tags(there))
            .map(|found| found.into_iter().map(|tag| tag.name).collect())
            .map_err(|error| error.report().message)
    }

    #[test]
    fn a_name_means_the_tag_that_has_it() {
        assert_eq!(look_up(&["Prime", "x"], &["x", "Prime"]).unwrap(), ["Prime", "x"]);
        assert_eq!(look_up(&["Prime"], &["prime", "Prime"]).unwrap(), ["Prime"]);
        assert_eq!(look_up(&["éclair"], &["Éclair"]).unwrap(), ["Éclair"]);
    }

    #[test]
    fn a_name_that_may_mean_two_tags_means_none() {
        let told = look_up(&["PRIME"], &["prime", "Prime"]).unwrap_err();
        assert_eq!(
            told,
            "several tags of Leads may be \"PRIME\": \"prime\" (4104050000022640405), \"Prime\" \
             (4104050000022640406); nothing was recorded"
        );
    }

    #[test]
    fn an_unknown_name_is_told_with_the_nearest_tags_first() {
        let told = look_up(&["Prine", "Hot", "Prime"], &["Cold", "Prime", "Attend First"]);
        assert_eq!(
            told.unwrap_err(),
            "no tag of Leads is named \"Prine\" or \"Hot\"; its tags are \"Prime\", \"Cold\", \
             \"Attend First\"; nothing was recorded"
        );
        let many: Vec<String> = (0..99).map(|number| format!("t{number}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let told = look_up(&["Prime"], &many).unwrap_err();
        assert!(told.contains(" and 89 more; nothing"), "{told}");
        assert!(look_up(&["x"], &[]).unwrap_err().contains("it has none"));
    }
}
