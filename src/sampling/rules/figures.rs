//! Rules for figures: shares between 0 and 1, prices, marks that lead to a source.

use crate::diagnostic::nearest;
use crate::sampling::spec::{Amount, Design, Figure, Marked, Screening, Stage};
use crate::toml_file::rules::Rules;
use crate::toml_file::{KeyPath, Pairs};

/// What a figure may be.
#[derive(Clone, Copy, PartialEq)]
enum Range {
    /// A share, from 0 to 1.
    Share,
    /// A proportion strictly between 0 and 1.
    Inside,
    /// A number of at least 0.
    Price,
    /// A number above 0.
    Positive,
    /// A difference of proportions: between −1 and 1, not 0.
    Difference,
}

impl Range {
    fn holds(self, number: f64) -> bool {
        match self {
            Range::Share => (0.0..=1.0).contains(&number),
            Range::Inside => number > 0.0 && number < 1.0,
            Range::Price => number >= 0.0,
            Range::Positive => number > 0.0,
            Range::Difference => number.abs() < 1.0 && number != 0.0,
        }
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Range::Share => ("a share between 0 and 1", "write 0.6 for 60 %"),
            Range::Inside => ("above 0 and below 1", "write 0.1 for 10 %"),
            Range::Price => ("at least 0", "write a number of at least 0"),
            Range::Positive => ("above 0", "write a number above 0"),
            Range::Difference => {
                ("a difference of proportions, below 1 and not 0", "write 0.05 for 5 points")
            }
        }
    }
}

struct Figures<'f, 'r, 'p> {
    design: &'f Design,
    rules: &'r mut Rules<'p>,
}

pub(super) fn check(design: &Design, rules: &mut Rules<'_>) {
    let mut figures = Figures { design, rules };
    let root = KeyPath::root();
    let population = root.key("population");
    figures.one(population.key("size"), design.population.size.as_ref(), Range::Positive);
    let per_household = design.population.per_household.as_ref();
    figures.one(population.key("per-household"), per_household, Range::Positive);
    for (i, group) in design.group.iter().enumerate() {
        let path = root.key("group").index(i);
        figures.pairs(&path.key("share"), &group.share, Range::Share);
        figures.one(path.key("per-household"), group.per_household.as_ref(), Range::Positive);
        figures.one(path.key("size"), group.size.as_ref(), Range::Positive);
    }
    for (i, frame) in design.frame.iter().enumerate() {
        let path = root.key("frame").index(i);
        figures.pairs(&path.key("covers"), &frame.covers, Range::Share);
        figures.cited(&path.key("source"), frame.source.as_deref());
    }
    for (i, sample) in design.sample.iter().enumerate() {
        let path = root.key("sample").index(i);
        for (k, stage) in sample.stage.iter().enumerate() {
            figures.stage(stage, &path.key("stage").index(k));
        }
        for (k, published) in sample.published.iter().enumerate() {
            let path = path.key("published").index(k);
            figures.one(path.key("count"), Some(&published.count), Range::Positive);
            if let Some(within) = published.within.filter(|w| !(0.0..1.0).contains(w)) {
                let message = format!("`within` is a share below 1, it cannot be {within}");
                let help = "write 0.05 for 5 %";
                figures.rules.error(&path.key("within"), message, "not a share", help);
            }
        }
    }
    if let Some(combine) = &design.combine {
        let path = root.key("combine");
        figures.pairs(&path.key("factor"), &combine.factor, Range::Share);
        figures.cited(&path.key("source"), combine.source.as_deref());
    }
    if let Some(analysis) = &design.analysis {
        let path = root.key("analysis");
        figures.cited(&path.key("source"), analysis.source.as_deref());
        for (i, weight) in analysis.weight.iter().enumerate() {
            let path = path.key("weight").index(i).key("source");
            figures.cited(&path, weight.source.as_deref());
        }
    }
    figures.plan(&root.key("plan"));
}

impl Figures<'_, '_, '_> {
    fn one(&mut self, path: KeyPath, figure: Option<&Figure>, range: Range) {
        match figure {
            None => {}
            Some(Figure::Number(number)) => self.number(&path, &path, *number, range),
            Some(Figure::Marked(marked)) => self.marked(&path, marked, range),
        }
    }

    fn amount(&mut self, path: KeyPath, amount: Option<&Amount>, range: Range) {
        match amount {
            None | Some(Amount::Formula(_)) => {}
            Some(Amount::Number(number)) => self.number(&path, &path, *number, range),
            Some(Amount::Marked(marked)) => self.marked(&path, marked, range),
        }
    }

    fn pairs(&mut self, path: &KeyPath, pairs: &Pairs<Figure>, range: Range) {
        for (name, figure) in &pairs.0 {
            self.one(path.key(name.as_str()), Some(figure), range);
        }
    }

    /// A number at `place` that is the value of the key at `path`.
    fn number(&mut self, place: &KeyPath, path: &KeyPath, number: f64, range: Range) {
        if range.holds(number) {
            return;
        }
        let (accepted, example) = range.words();
        let percent = matches!(range, Range::Share | Range::Inside) && number > 1.0;
        let help = if percent && number <= 100.0 {
            format!("write {} for {number} %", (number * 1e10).round() / 1e12)
        } else {
            example.to_string()
        };
        let message = format!("{path} must be {accepted}, it cannot be {number}");
        self.rules.error(place, message, "out of range", &help);
    }

    fn marked(&mut self, path: &KeyPath, marked: &Marked, range: Range) {
        self.number(&path.key("value"), path, marked.value, range);
        self.cited(&path.key("source"), marked.source.as_deref());
        self.rules.filled(&path.key("assumed"), marked.assumed.as_deref());
        let Some([low, high]) = marked.range else { return };
        for (i, limit) in [low, high].into_iter().enumerate() {
            self.number(&path.key("range").index(i), path, limit, range);
        }
        if !(low <= marked.value && marked.value <= high) {
            self.rules.error(
                &path.key("range"),
                format!("the value {} does not lie in its range {low} to {high}", marked.value),
                "does not hold the value",
                "write the least plausible value first, then the largest",
            );
        }
    }

    /// A source is a key of `[sources]`, or a citation of several words.
    fn cited(&mut self, path: &KeyPath, source: Option<&str>) {
        let Some(source) = source else { return };
        self.rules.filled(path, Some(source));
        let keys: Vec<&str> = self.design.sources.0.iter().map(|(k, _)| k.as_str()).collect();
        // `key, p. 12` cites a place in the work.
        let key = source.split([',', ':', ';']).next().unwrap_or(source).trim();
        if keys.contains(&key) || source.trim().contains(' ') || source.trim().is_empty() {
            return;
        }
        let help = match nearest(key, keys.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("add `{key} = \"…\"` under `[sources]`, or write the citation here"),
        };
        let message = format!("`[sources]` has no `{key}`");
        self.rules.error(path, message, "not a key of `[sources]`", &help);
    }

    fn stage(&mut self, stage: &Stage, path: &KeyPath) {
        self.amount(path.key("take"), stage.take.as_ref(), Range::Positive);
        self.amount(path.key("rate"), stage.rate.as_ref(), Range::Share);
        self.amount(path.key("most"), stage.most.as_ref(), Range::Positive);
        self.amount(path.key("count"), stage.count.as_ref(), Range::Positive);
        self.one(path.key("in-scope"), stage.in_scope.as_ref(), Range::Share);
        self.one(path.key("response"), stage.response.as_ref(), Range::Share);
        self.pairs(&path.key("response-by"), &stage.response_by, Range::Share);
        self.one(path.key("cost"), stage.cost.as_ref(), Range::Price);
        self.one(path.key("cost-responding"), stage.cost_responding.as_ref(), Range::Price);
        for (i, stratum) in stage.stratum.iter().enumerate() {
            let path = path.key("stratum").index(i);
            self.amount(path.key("take"), stratum.take.as_ref(), Range::Positive);
            self.amount(path.key("rate"), stratum.rate.as_ref(), Range::Share);
            self.amount(path.key("most"), stratum.most.as_ref(), Range::Positive);
            self.one(path.key("units"), stratum.units.as_ref(), Range::Positive);
            self.one(path.key("response"), stratum.response.as_ref(), Range::Share);
            let number = stratum.take.as_ref().and_then(Amount::number);
            if let (Some(take), Some(units)) = (number, stratum.units.as_ref().map(Figure::value))
                && take > units
            {
                self.rules.error(
                    &path.key("take"),
                    format!(
                        "the stratum `{}` has {units} units, {take} cannot be drawn",
                        stratum.name
                    ),
                    "more than there are",
                    "draw fewer, or write `all = true`",
                );
            }
        }
        if let Some(screening) = &stage.screening {
            self.screening(screening, &path.key("screening"));
        }
    }

    fn screening(&mut self, screening: &Screening, path: &KeyPath) {
        self.one(path.key("response"), screening.response.as_ref(), Range::Share);
        let unresolved = screening.unresolved_eligible.as_ref();
        self.one(path.key("unresolved-eligible"), unresolved, Range::Share);
        self.one(path.key("sensitivity"), screening.sensitivity.as_ref(), Range::Share);
        self.pairs(&path.key("keep"), &screening.keep, Range::Share);
        self.one(path.key("neighbours"), screening.neighbours.as_ref(), Range::Positive);
        self.one(path.key("cost"), screening.cost.as_ref(), Range::Price);
        self.rules.names(&path.key("groups"), Some(&screening.groups));
    }

    fn plan(&mut self, path: &KeyPath) {
        let plan = &self.design.plan;
        self.one(path.key("budget"), plan.budget.as_ref(), Range::Positive);
        self.one(path.key("fixed-cost"), plan.fixed_cost.as_ref(), Range::Price);
        self.one(path.key("proportion"), plan.proportion.as_ref(), Range::Inside);
        self.one(path.key("icc"), plan.icc.as_ref(), Range::Share);
        self.one(path.key("icc-household"), plan.icc_household.as_ref(), Range::Share);
        for (i, target) in plan.target.iter().enumerate() {
            let path = path.key("target").index(i);
            self.one(path.key("half-width"), target.half_width.as_ref(), Range::Inside);
            self.one(path.key("cv"), target.cv.as_ref(), Range::Positive);
            self.one(path.key("n-effective"), target.n_effective.as_ref(), Range::Positive);
            self.one(path.key("n"), target.n.as_ref(), Range::Positive);
            self.one(path.key("proportion"), target.proportion.as_ref(), Range::Inside);
            self.one(path.key("icc"), target.icc.as_ref(), Range::Share);
        }
        for (i, compare) in plan.compare.iter().enumerate() {
            let path = path.key("compare").index(i);
            self.one(path.key("difference"), Some(&compare.difference), Range::Difference);
            self.one(path.key("proportion"), compare.proportion.as_ref(), Range::Inside);
        }
    }
}
