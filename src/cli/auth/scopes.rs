//! `journal auth scopes`: the least set of scopes, ready for Zoho's console.

use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::domain::id::ModuleName;
use crate::domain::scope::Operation;
use crate::domain::scopes::{Needed, least_set};

/// Print the least set of scopes on one line, ready to paste into Zoho's console
#[derive(Debug, clap::Args)]
pub(crate) struct ScopesArgs {
    /// What the sign-in is to do: delete, untag, unlink or delete-tags (repeat it for several) [default: all]
    #[arg(long = "for", value_name = "OPERATION")]
    operations: Vec<Operation>,
    /// The modules it is to do it in, by API name (repeat it for several) [default: all]
    #[arg(long = "module", value_name = "MODULE")]
    modules: Vec<ModuleName>,
}

#[derive(Serialize)]
struct Shown<'a> {
    scope: &'a str,
    why: &'a str,
    essential: bool,
}

/// Runs the command.
pub(super) fn run(args: &ScopesArgs, context: &mut Context) -> Result<Exit, CliError> {
    let operations =
        if args.operations.is_empty() { Operation::ALL } else { args.operations.as_slice() };
    let modules = Some(args.modules.as_slice()).filter(|modules| !modules.is_empty());
    let set = least_set(context.settings.product.value, operations, modules);
    if context.out.is_json() {
        let shown: Vec<Shown<'_>> = set
            .iter()
            .map(|one| Shown { scope: &one.scope, why: one.why, essential: one.essential })
            .collect();
        context.out.json_line(&shown)?;
        return Ok(Exit::Done);
    }
    let line: Vec<&str> = set.iter().map(|one| one.scope.as_str()).collect();
    context.out.data_line(line.join(","))?;
    for Needed { scope, why, essential } in &set {
        let optional = if *essential { "" } else { " (can do without)" };
        context.out.detail(format!("  {scope}: {why}{optional}"));
    }
    Ok(Exit::Done)
}
