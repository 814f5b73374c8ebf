//! A potter's studio.

use super::{CERAMICS, HOME_SCENTS, ItemEntry, KITCHEN, StoreEntry, item, option};
use crate::demo::accounts::SEOYEON;

pub(super) const STORE: StoreEntry = StoreEntry {
    seller: SEOYEON,
    name: "Maru Ceramics 마루도자기",
    description: "Bowls, cups and jars from a wood kiln in Icheon, and a few things that belong around them.",
    items: ITEMS,
};

const ITEMS: &[ItemEntry] = &[
    item(
        CERAMICS,
        "Moon jar 달항아리",
        "White porcelain thrown in two halves, a little uneven, as it should be.",
        &[option("18 cm", 145_000, 5).limited_to(1), option("30 cm", 390_000, 2).limited_to(1)],
    ),
    item(
        CERAMICS,
        "Celadon tea cup 청자찻잔",
        "The grey green of the old kilns, with a crane or a cloud.",
        &[option("Crane", 28_000, 40), option("Cloud", 28_000, 40), option("Pair in a box", 54_000, 20)],
    ),
    item(
        CERAMICS,
        "Buncheong rice bowl 분청밥그릇",
        "White slip brushed over grey clay.",
        &[option("One bowl", 19_000, 70), option("Set of four", 72_000, 18)],
    ),
    item(
        CERAMICS,
        "Onggi crock 옹기",
        "A breathing jar for soy paste, kimchi or rice.",
        &[option("2 litres", 24_000, 30), option("5 litres", 42_000, 20)],
    ),
    item(
        KITCHEN,
        "Brass spoon and chopsticks 유기수저",
        "Hammered bangjja brass that darkens where you hold it.",
        &[option("One set", 39_000, 50), option("Two sets in a box", 76_000, 25)],
    ),
    item(
        KITCHEN,
        "Ash serving tray 소반쟁반",
        "Lacquered ash with a low rim.",
        &[option("30 cm", 33_000, 35), option("42 cm", 47_000, 25)],
    ),
    item(
        KITCHEN,
        "Linen tea towel 린넨행주",
        "Washed linen that dries porcelain without lint.",
        &[option("One", 9_000, 150), option("Three", 25_000, 80)],
    ),
    item(
        HOME_SCENTS,
        "Incense of pine and cypress 솔향",
        "Rolled without binder; twenty minutes a stick.",
        &[option("Forty sticks", 16_000, 90), option("Forty sticks with holder", 27_000, 40)],
    ),
    item(
        HOME_SCENTS,
        "Beeswax candle 밀랍초",
        "Dipped by hand, burns for eight hours.",
        &[option("Pair", 14_000, 110)],
    ),
];
