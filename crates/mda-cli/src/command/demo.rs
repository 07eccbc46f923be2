//! `mda demo`.

use super::Context;
use crate::args::Demo;

pub(crate) fn run(_context: &Context, _arguments: &Demo) -> anyhow::Result<()> {
    anyhow::bail!("not yet")
}
