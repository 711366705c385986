//! From the file as written to the [`Design`]: formulas parsed, names looked up, defaults set.

use crate::data::expr::Expression;
use crate::diagnostic::nearest;
use crate::toml_file::rules::Rules;
use crate::toml_file::{KeyPath, Names};

use super::design::{
    Cell, Design, Frame, Group, Population, Quantity, Response, Sample, Screening, Stage, Take,
};
use super::spec::{self, Amount, Figure, Method};

/// The design, with what cannot be resolved told to `rules` and left out.
pub(super) fn resolve(spec: &spec::Design, rules: &mut Rules<'_>) -> Design {
    let root = KeyPath::root();
    let groups: Vec<&str> = spec.group.iter().map(|g| g.name.as_str()).collect();
    let mut resolver = Resolver { spec, groups, rules };
    let population = resolver.population(&root.key("population"));
    let list = root.key("group");
    let groups = each(&spec.group, &list, |group, path| resolver.group(group, path));
    let list = root.key("frame");
    let frames = each(&spec.frame, &list, |frame, path| resolver.frame(frame, path));
    let list = root.key("sample");
    let samples = each(&spec.sample, &list, |sample, path| resolver.sample(sample, path));
    Design {
        title: spec.title.clone(),
        population,
        groups,
        frames,
        samples,
        combine: spec.combine.as_ref().map(|c| c.method),
        spec: spec.clone(),
    }
}

fn each<T, U>(items: &[T], list: &KeyPath, mut make: impl FnMut(&T, &KeyPath) -> U) -> Vec<U> {
    items.iter().enumerate().map(|(i, item)| make(item, &list.index(i))).collect()
}

struct Resolver<'s, 'r, 'p> {
    spec: &'s spec::Design,
    groups: Vec<&'s str>,
    rules: &'r mut Rules<'p>,
}

impl Resolver<'_, '_, '_> {
    fn formula(&mut self, path: &KeyPath, text: &str) -> Option<Expression> {
        match Expression::parse(text) {
            Ok(expression) => Some(expression),
            Err(error) => {
                let place = self.rules.places.within(path, error.span.clone());
                let help = error.help();
                self.rules.error_within(path, place, error.to_string(), help);
                None
            }
        }
    }

    fn optional(&mut self, path: KeyPath, text: Option<&str>) -> Option<Expression> {
        text.and_then(|text| self.formula(&path, text))
    }

    fn quantity(&mut self, path: &KeyPath, amount: &Amount) -> Option<Quantity> {
        match amount {
            Amount::Number(number) => Some(Quantity::Number(*number)),
            Amount::Marked(marked) => Some(Quantity::Number(marked.value)),
            Amount::Formula(text) => self.formula(path, text).map(Quantity::Formula),
        }
    }

    /// The index of a name among others.
    fn find(
        &mut self,
        path: &KeyPath,
        name: &str,
        what: &str,
        known: &[&str],
        at_key: bool,
    ) -> Option<usize> {
        let found = known.iter().position(|k| *k == name);
        if found.is_none() {
            let help = match nearest(name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if known.is_empty() => format!("add a table `[[{what}]]` of this name"),
                None => format!("the file has {}", known.join(", ")),
            };
            let message = format!("there is no {what} `{name}`");
            if at_key {
                self.rules.error_at_key(path, message, "not in this file", &help);
            } else {
                self.rules.error(path, message, "not in this file", &help);
            }
        }
        found
    }

    fn group_index(&mut self, path: &KeyPath, name: &str, at_key: bool) -> Option<usize> {
        let known = self.groups.clone();
        self.find(path, name, "group", &known, at_key)
    }

    /// Values by group, 1 where nothing is said.
    fn by_group(&mut self, path: &KeyPath, pairs: &[(String, Figure)], rest: f64) -> Vec<f64> {
        let mut values = vec![rest; self.groups.len()];
        for (name, figure) in pairs {
            if let Some(index) = self.group_index(&path.key(name.as_str()), name, true) {
                values[index] = figure.value();
            }
        }
        values
    }

    fn population(&mut self, path: &KeyPath) -> Population {
        let given = &self.spec.population;
        Population {
            count: self.optional(path.key("count"), given.count.as_deref()),
            households: self.optional(path.key("households"), given.households.as_deref()),
            is: self.optional(path.key("is"), given.is.as_deref()),
            size: given.size.as_ref().map(Figure::value),
            per_household: given.per_household.as_ref().map(Figure::value),
        }
    }

    fn group(&mut self, given: &spec::Group, path: &KeyPath) -> Group {
        let mut shares = Vec::new();
        let list = path.key("share");
        for (name, figure) in &given.share.0 {
            if name == "others" {
                shares.push((None, figure.value()));
            } else if let Some(index) = self.group_index(&list.key(name.as_str()), name, true) {
                shares.push((Some(index), figure.value()));
            }
        }
        Group {
            name: given.name.clone(),
            label: given.label.clone().unwrap_or_else(|| given.name.clone()),
            class: given.class.clone(),
            count: self.optional(path.key("count"), given.count.as_deref()),
            shares,
            is: self.optional(path.key("is"), given.is.as_deref()),
            per_household: given.per_household.as_ref().map(Figure::value),
            size: given.size.as_ref().map(Figure::value),
        }
    }

    fn frame(&mut self, given: &spec::Frame, path: &KeyPath) -> Frame {
        Frame {
            name: given.name.clone(),
            label: given.label.clone().unwrap_or_else(|| given.name.clone()),
            lists: given.lists.clone(),
            file: given.file.clone(),
            covers: self.by_group(&path.key("covers"), &given.covers.0, 1.0),
        }
    }

    fn sample(&mut self, given: &spec::Sample, path: &KeyPath) -> Sample {
        let frames: Vec<&str> = self.spec.frame.iter().map(|f| f.name.as_str()).collect();
        let frame = match &given.frame {
            Some(name) => self.find(&path.key("frame"), name, "frame", &frames, false),
            None => (!frames.is_empty()).then_some(0),
        };
        let samples: Vec<&str> = self.spec.sample.iter().map(|s| s.name.as_str()).collect();
        let psus_of = given
            .psus_of
            .as_ref()
            .and_then(|name| self.find(&path.key("psus-of"), name, "sample", &samples, false));
        let part_of = given
            .part_of
            .as_ref()
            .and_then(|name| self.find(&path.key("part-of"), name, "sample", &samples, false));
        let without = self.named(&path.key("without"), given.without.as_ref(), "sample", &samples);
        let list = path.key("stage");
        let stages = each(&given.stage, &list, |stage, path| self.stage(stage, path));
        Sample {
            name: given.name.clone(),
            label: given.label.clone().unwrap_or_else(|| given.name.clone()),
            kind: given.kind,
            frame,
            part: self.optional(path.key("where"), given.part.as_deref()),
            psus_of,
            part_of,
            without,
            stages,
        }
    }

    /// The indices of names.
    fn named(
        &mut self,
        path: &KeyPath,
        names: Option<&Names>,
        what: &str,
        known: &[&str],
    ) -> Vec<usize> {
        let Some(names) = names else { return Vec::new() };
        let one = matches!(names, Names::One(_));
        let list = names.list().into_iter().enumerate();
        list.filter_map(|(i, name)| {
            let path = if one { path.clone() } else { path.index(i) };
            self.find(&path, name, what, known, false)
        })
        .collect()
    }

    fn take(
        &mut self,
        path: &KeyPath,
        take: Option<&Amount>,
        rate: Option<&Amount>,
        most: Option<&Amount>,
        all: bool,
    ) -> Option<Take> {
        if let Some(amount) = take {
            return self.quantity(&path.key("take"), amount).map(Take::Number);
        }
        if let Some(amount) = rate {
            return self.quantity(&path.key("rate"), amount).map(Take::Rate);
        }
        if let Some(amount) = most {
            return self.quantity(&path.key("most"), amount).map(Take::Most);
        }
        all.then_some(Take::All)
    }

    fn stage(&mut self, given: &spec::Stage, path: &KeyPath) -> Stage {
        let names = |n: &Option<Names>| -> Vec<String> {
            n.as_ref().map_or_else(Vec::new, |n| n.list().into_iter().map(str::to_string).collect())
        };
        let usual = if given.size.is_some() { Method::PpsSystematic } else { Method::SimpleRandom };
        let method = given.method.unwrap_or(usual);
        let (take, rate, most) = (given.take.as_ref(), given.rate.as_ref(), given.most.as_ref());
        let take = self.take(path, take, rate, most, given.all);
        let size = self.optional(path.key("size"), given.size.as_deref());
        let list = path.key("stratum");
        let mut cells = Vec::new();
        for (i, cell) in given.stratum.iter().enumerate() {
            let path = list.index(i);
            let (n, rate, most) = (cell.take.as_ref(), cell.rate.as_ref(), cell.most.as_ref());
            let own = self.take(&path, n, rate, most, cell.all).or_else(|| take.clone());
            let cell_size = self.optional(path.key("size"), cell.size.as_deref());
            let part = self.optional(path.key("where"), cell.part.as_deref());
            let Some(own) = own else { continue };
            cells.push(Cell {
                name: cell.name.clone(),
                label: cell.label.clone().unwrap_or_else(|| cell.name.clone()),
                part,
                units: cell.units.as_ref().map(Figure::value),
                take: own,
                method: cell.method.unwrap_or(method),
                size: cell_size.or_else(|| size.clone()),
                response: cell.response.as_ref().map(Figure::value),
            });
        }
        let share = |figure: &Option<Figure>| figure.as_ref().map_or(1.0, Figure::value);
        let all = share(&given.response);
        let by_group = self.by_group(&path.key("response-by"), &given.response_by.0, all);
        let price = |figure: &Option<Figure>| figure.as_ref().map_or(0.0, Figure::value);
        Stage {
            unit: given.unit.clone(),
            id: given.id.clone(),
            method,
            strata: names(&given.strata),
            sort: names(&given.sort),
            serpentine: given.serpentine,
            size,
            part: self.optional(path.key("where"), given.part.as_deref()),
            take,
            allocation: given.allocation.unwrap_or(spec::Allocation::Proportional),
            spread: self.optional(path.key("spread"), given.spread.as_deref()),
            cells,
            balance: names(&given.balance),
            random_number: given.random_number.clone(),
            count: given.count.as_ref().and_then(|c| self.quantity(&path.key("count"), c)),
            in_scope: share(&given.in_scope),
            screening: given
                .screening
                .as_ref()
                .map(|screening| self.screening(screening, &path.key("screening"))),
            response: Response { all, by_group },
            cost: price(&given.cost),
            cost_responding: price(&given.cost_responding),
        }
    }

    fn screening(&mut self, given: &spec::Screening, path: &KeyPath) -> Screening {
        let known = self.groups.clone();
        let groups = self.named(&path.key("groups"), Some(&given.groups), "group", &known);
        let list = path.key("keep");
        let rates = self.by_group(&list, &given.keep.0, 1.0);
        for (name, _) in &given.keep.0 {
            let index = known.iter().position(|k| k == name);
            if index.is_some_and(|i| !groups.contains(&i)) {
                self.rules.error_at_key(
                    &list.key(name.as_str()),
                    format!("`keep` names `{name}`, which is not among the eligible groups"),
                    "not eligible",
                    "add it to `groups` of the screening, or take it out here",
                );
            }
        }
        let share = |figure: &Option<Figure>| figure.as_ref().map_or(1.0, Figure::value);
        Screening {
            keep: groups.iter().map(|&g| rates[g]).collect(),
            groups,
            eligible: given.eligible,
            response: share(&given.response),
            unresolved_eligible: given.unresolved_eligible.as_ref().map(Figure::value),
            sensitivity: share(&given.sensitivity),
            keep_rule: given.keep_rule,
            neighbours: given.neighbours.as_ref().map(Figure::value),
            cost: given.cost.as_ref().map_or(0.0, Figure::value),
        }
    }
}
