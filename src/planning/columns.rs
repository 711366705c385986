//! Columns that a design needs of its area frame: all that are missing are named at once.

use std::collections::BTreeSet;

use crate::data::expr::{Cause, Expression};
use crate::sampling::spec::Allocation;
use crate::sampling::{Cell, Design, Quantity, Stage, Take};
use crate::toml_file::{KeyPath, Names};

use super::first_stage::is_sized;
use super::frame::Reader;
use super::people::class_of;
use super::sampled::is_person;

/// Tells the reader every column that planning needs and the frame does not have, each where it is named
/// first.
pub(super) fn missing(reader: &mut Reader<'_>, design: &Design) {
    let mut columns = Columns { reader, seen: BTreeSet::new() };
    let root = KeyPath::root();
    let population = root.key("population");
    columns.formula(&population.key("count"), design.population.count.as_ref());
    columns.formula(&population.key("households"), design.population.households.as_ref());
    for (g, group) in design.groups.iter().enumerate() {
        columns.formula(&root.key("group").index(g).key("count"), group.count.as_ref());
    }
    for (s, sample) in design.samples.iter().enumerate() {
        let path = root.key("sample").index(s);
        columns.formula(&path.key("where"), sample.part.as_ref());
        for (k, stage) in sample.stages.iter().enumerate() {
            columns.stage(stage, k, &path.key("stage").index(k));
        }
    }
    columns.plan(design, &root.key("plan"));
}

struct Columns<'r, 'a> {
    reader: &'r mut Reader<'a>,
    seen: BTreeSet<String>,
}

impl Columns<'_, '_> {
    fn formula(&mut self, path: &KeyPath, formula: Option<&Expression>) {
        let Some(Err(mut errors)) = formula.map(|f| f.check(self.reader.table)) else { return };
        errors.retain(|error| match &error.cause {
            Cause::UnknownColumn { name, .. } => self.seen.insert(name.clone()),
            // What else is wrong is told where the formula is worked out.
            _ => false,
        });
        self.reader.wrong(path, &errors);
    }

    fn column(&mut self, path: &KeyPath, name: &str) {
        if self.reader.table.column(name).is_none() && self.seen.insert(name.to_string()) {
            self.reader.no_column(path, name);
        }
    }

    fn names(&mut self, path: &KeyPath, names: &[String]) {
        names.iter().for_each(|name| self.column(path, name));
    }

    fn quantity(&mut self, path: &KeyPath, quantity: &Quantity) {
        if let Quantity::Formula(formula) = quantity {
            self.formula(path, Some(formula));
        }
    }

    fn take(&mut self, path: &KeyPath, take: Option<&Take>) {
        match take {
            Some(Take::Number(quantity)) => self.quantity(&path.key("take"), quantity),
            Some(Take::Rate(quantity)) => self.quantity(&path.key("rate"), quantity),
            Some(Take::Most(quantity)) => self.quantity(&path.key("most"), quantity),
            Some(Take::All) | None => {}
        }
    }

    fn stage(&mut self, stage: &Stage, k: usize, path: &KeyPath) {
        if k == 0 {
            self.formula(&path.key("where"), stage.part.as_ref());
            self.names(&path.key("strata"), &stage.strata);
            if is_sized(stage.method) {
                self.formula(&path.key("size"), stage.size.as_ref());
            }
            if stage.allocation == Allocation::Neyman {
                self.formula(&path.key("spread"), stage.spread.as_ref());
            }
        }
        if let Some(count) = &stage.count {
            self.quantity(&path.key("count"), count);
        }
        self.take(path, stage.take.as_ref());
        // Within households conditions are about people, of whom the area frame knows nothing.
        if k > 0 && is_person(&stage.unit) {
            return;
        }
        for (i, cell) in stage.cells.iter().enumerate() {
            let path = path.key("stratum").index(i);
            let Cell { part, take, method, size, .. } = cell;
            self.formula(&path.key("where"), part.as_ref());
            self.take(&path, Some(take));
            if k == 0 && is_sized(*method) {
                self.formula(&path.key("size"), size.as_ref());
            }
        }
    }

    fn plan(&mut self, design: &Design, path: &KeyPath) {
        let plan = &design.spec.plan;
        let targets = plan.target.iter().map(|t| &t.part).enumerate();
        let compared = plan.compare.iter().map(|c| &c.part).enumerate();
        let parts = targets.map(|p| ("target", p)).chain(compared.map(|p| ("compare", p)));
        for (list, (i, part)) in parts {
            // A condition that cannot be read is told where it is worked out.
            let condition = part.as_deref().and_then(|text| Expression::parse(text).ok());
            self.formula(&path.key(list).index(i).key("where"), condition.as_ref());
        }
        for (i, vary) in plan.vary.iter().enumerate() {
            let path = path.key("vary").index(i).key("by");
            let names = vary.by.as_ref().map_or_else(Vec::new, Names::list);
            names.into_iter().for_each(|name| self.column(&path, name));
        }
        for (i, cross) in plan.cross.iter().enumerate() {
            let path = path.key("cross").index(i).key("by");
            for (j, name) in cross.by.list().into_iter().enumerate() {
                let class = (0..design.groups.len()).any(|g| class_of(design, g) == name);
                if !class && self.reader.table.column(name).is_none() {
                    self.reader.neither_class_nor_column(design, &path.index(j), name);
                }
            }
        }
    }
}
