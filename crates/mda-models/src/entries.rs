//! The entry names of a state_dict as files have them, and as graphs need them.

/// What PyTorch's wrappers (DataParallel, torch.compile) put before every name.
const WRAPPERS: [&str; 2] = ["module.", "_orig_mod."];

/// The first parts of names that only training uses: the auxiliary heads of GoogLeNet and Inception v3.
const AUXILIARY: [&str; 3] = ["aux1", "aux2", "AuxLogits"];

/// Maps the names of one file's entries to parameter names.
pub(crate) struct Naming {
    wrapper: &'static str,
}

impl Naming {
    /// The rules that fit a file with these names.
    pub(crate) fn of<'a>(mut names: impl Iterator<Item = &'a str> + Clone) -> Self {
        let wraps_all = |wrapper: &&str| names.clone().all(|name| name.starts_with(*wrapper));
        let wrapper = WRAPPERS.into_iter().find(wraps_all).filter(|_| names.next().is_some());
        Self { wrapper: wrapper.unwrap_or("") }
    }

    /// The parameter that the entry `name` holds; none where inference does not need it.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let name = name.strip_prefix(self.wrapper).unwrap_or(name);
        let first = name.split('.').next().unwrap_or(name);
        if AUXILIARY.contains(&first) || name.rsplit('.').next() == Some("num_batches_tracked") {
            return None;
        }
        Some(modern_dense_layer(name).unwrap_or_else(|| name.to_owned()))
    }
}

/// torchvision's DenseNet weights still have the names of a time when modules could be called `norm.1`.
fn modern_dense_layer(name: &str) -> Option<String> {
    let (layer, rest) = name.split_once(".denselayer")?;
    let (number, rest) = rest.split_once('.')?;
    let (kind, rest) = rest.split_once('.').filter(|(kind, _)| ["norm", "conv"].contains(kind))?;
    Some(format!("{layer}.denselayer{number}.{kind}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrapper_goes_only_where_it_is_everywhere() {
        let wrapped = Naming::of(["module.fc.weight", "module.fc.bias"].into_iter());
        assert_eq!(wrapped.parameter("module.fc.weight").unwrap(), "fc.weight");
        let plain = Naming::of(["module.weight", "fc.weight"].into_iter());
        assert_eq!(plain.parameter("module.weight").unwrap(), "module.weight");
    }

    #[test]
    fn what_only_training_uses_is_left_out() {
        let naming = Naming::of(["bn1.num_batches_tracked"].into_iter());
        assert_eq!(naming.parameter("bn1.num_batches_tracked"), None);
        assert_eq!(naming.parameter("AuxLogits.fc.weight"), None);
        assert_eq!(naming.parameter("auxiliary.weight").unwrap(), "auxiliary.weight");
    }

    #[test]
    fn old_dense_layers_get_their_present_names() {
        let naming = Naming::of(std::iter::empty());
        let name = "features.denseblock1.denselayer2.norm.1.running_mean";
        assert_eq!(naming.parameter(name).unwrap(), "features.denseblock1.denselayer2.norm1.running_mean");
        let name = "features.denseblock1.denselayer2.conv2.weight";
        assert_eq!(naming.parameter(name).unwrap(), name);
    }
}
