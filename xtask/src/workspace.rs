//! What there is to work on, read from `cargo metadata` so that no list can fall behind.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use cargo_metadata::{MetadataCommand, Package, Target, TargetKind};

/// The workspace that holds the current directory, or the one named by `--manifest-path`.
#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    /// Where cargo builds: `CARGO_TARGET_DIR` is already taken into account.
    pub(crate) target: PathBuf,
    /// Set when the workspace was chosen by hand; commands then repeat it.
    pub(crate) manifest: Option<PathBuf>,
    /// Every member, by name.
    pub(crate) crates: Vec<Crate>,
}

/// One member of the workspace.
#[derive(Debug, Clone)]
pub(crate) struct Crate {
    /// What people call it: its folder, or the package's name where the folder says too little.
    pub(crate) name: String,
    /// What cargo calls it.
    pub(crate) package: String,
    /// Relative to the workspace; empty for a package at its root.
    pub(crate) folder: PathBuf,
    pub(crate) description: Option<String>,
    pub(crate) features: BTreeMap<String, Vec<String>>,
    pub(crate) targets: Vec<Target>,
    /// The promised compiler, as rustup names it (`1.88`, or `1.88.1`).
    pub(crate) rust_version: Option<String>,
    /// Whether it is meant for a registry, in other words whether others build it.
    pub(crate) published: bool,
}

impl Workspace {
    /// Asks cargo; resolves no dependency and needs no network.
    pub(crate) fn load(manifest: Option<&Path>) -> anyhow::Result<Self> {
        let mut command = MetadataCommand::new();
        command.no_deps();
        let manifest = match manifest {
            Some(path) => {
                let path = path
                    .canonicalize()
                    .with_context(|| format!("--manifest-path {}", path.display()))?;
                command.manifest_path(&path);
                Some(path)
            }
            None => None,
        };
        let metadata = command.exec().context("cargo metadata")?;
        let root = metadata.workspace_root.clone().into_std_path_buf();
        let members = metadata.workspace_packages();
        let mut crates: Vec<Crate> = members.into_iter().map(|p| Crate::read(p, &root)).collect();
        name_by_folder(&mut crates);
        crates.sort_by(|a, b| a.name.cmp(&b.name));
        let target = metadata.target_directory.into_std_path_buf();
        Ok(Self {
            root,
            target,
            manifest,
            crates,
        })
    }

    /// A path as one types it from the workspace's root.
    pub(crate) fn relative<'a>(&self, path: &'a Path) -> &'a Path {
        path.strip_prefix(&self.root).unwrap_or(path)
    }
}

impl Crate {
    fn read(package: &Package, root: &Path) -> Self {
        let folder = package.manifest_path.parent().map(|dir| dir.as_std_path());
        let folder = folder
            .and_then(|dir| dir.strip_prefix(root).ok())
            .unwrap_or(Path::new(""));
        Self {
            name: package.name.to_string(),
            package: package.name.to_string(),
            folder: folder.to_path_buf(),
            description: package.description.clone(),
            features: package.features.clone(),
            targets: package.targets.clone(),
            rust_version: package
                .rust_version
                .as_ref()
                .map(|version| match version.patch {
                    0 => format!("{}.{}", version.major, version.minor),
                    _ => version.to_string(),
                }),
            published: package
                .publish
                .as_ref()
                .is_none_or(|registries| !registries.is_empty()),
        }
    }

    /// Whether `name` means this crate: by folder or by package.
    pub(crate) fn answers_to(&self, name: &str) -> bool {
        self.name == name || self.package == name
    }

    /// The last part of its folder.
    pub(crate) fn folder_name(&self) -> Option<&str> {
        self.folder.file_name()?.to_str()
    }

    /// Whether others can depend on it.
    pub(crate) fn is_library(&self) -> bool {
        self.targets
            .iter()
            .any(|t| t.kind.contains(&TargetKind::Lib) || t.kind.contains(&TargetKind::ProcMacro))
    }

    /// The names of its integration tests that start with `prefix`.
    pub(crate) fn tests_named(&self, prefix: &str) -> Vec<&str> {
        self.targets
            .iter()
            .filter(|t| t.kind.contains(&TargetKind::Test) && t.name.starts_with(prefix))
            .map(|t| t.name.as_str())
            .collect()
    }
}

/// Folders are what a newcomer sees, so they name the crates; two members in folders of the same
/// name keep their package names, which cannot clash.
fn name_by_folder(crates: &mut [Crate]) {
    let mut uses: HashMap<String, usize> = HashMap::new();
    for krate in crates.iter() {
        if let Some(folder) = krate.folder_name() {
            *uses.entry(folder.to_owned()).or_default() += 1;
        }
    }
    for krate in crates {
        if let Some(folder) = krate.folder_name()
            && uses[folder] == 1
        {
            krate.name = folder.to_owned();
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A crate as cargo would describe it, with one library target and the given integration tests.
    pub(crate) fn library(folder: &str, features: &[(&str, &[&str])], tests: &[&str]) -> Crate {
        let target = |name: &str, kind: &str, doctest: bool| {
            format!(
                r#"{{"name":"{name}","kind":["{kind}"],"crate_types":["bin"],"src_path":"/x.rs",
                    "edition":"2024","doctest":{doctest},"test":true,"doc":true}}"#
            )
        };
        let mut targets = vec![target("subject", "lib", true)];
        targets.extend(tests.iter().map(|name| target(name, "test", false)));
        Crate {
            name: folder.to_owned(),
            package: format!("anabranch-{folder}"),
            folder: Path::new("crates").join(folder),
            description: None,
            features: features
                .iter()
                .map(|(name, on)| (name.to_string(), on.iter().map(|s| s.to_string()).collect()))
                .collect(),
            targets: targets.iter().map(|t| cargo_metadata_target(t)).collect(),
            rust_version: Some("1.88".to_owned()),
            published: true,
        }
    }

    /// As `library`, but with a program as its only target.
    pub(crate) fn program(folder: &str) -> Crate {
        let mut krate = library(folder, &[], &[]);
        krate.targets = vec![cargo_metadata_target(
            r#"{"name":"main","kind":["bin"],"crate_types":["bin"],"src_path":"/x.rs",
                "edition":"2024","doctest":false,"test":true,"doc":true}"#,
        )];
        krate.rust_version = None;
        krate.published = false;
        krate
    }

    fn cargo_metadata_target(json: &str) -> Target {
        serde_json::from_str(json).expect("a target as cargo prints it")
    }

    #[test]
    fn folders_name_crates_unless_two_share_one() {
        let mut crates = [
            library("pool", &[], &[]),
            library("pool", &[], &[]),
            program("xtask"),
        ];
        crates[1].package = "pool-demo".to_owned();
        for krate in &mut crates {
            krate.name = krate.package.clone();
        }
        name_by_folder(&mut crates);
        assert_eq!(
            crates.map(|c| c.name),
            ["anabranch-pool", "pool-demo", "xtask"]
        );
    }

    #[test]
    fn a_crate_answers_to_its_folder_and_its_package() {
        let pool = library("pool", &[], &[]);
        assert!(pool.answers_to("pool") && pool.answers_to("anabranch-pool"));
        assert!(!pool.answers_to("anabranch"));
    }
}
