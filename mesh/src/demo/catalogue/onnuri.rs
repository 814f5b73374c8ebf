//! Things to steep.

use super::{COFFEE, HONEY, ItemEntry, StoreEntry, TEA, item, option};
use crate::demo::accounts::HANEUL;

pub(super) const STORE: StoreEntry = StoreEntry {
    seller: HANEUL,
    name: "Onnuri Tea House 온누리찻집",
    description: "Leaves, grains and fruits to steep, from Boseong, Hadong and Jeju.",
    items: ITEMS,
};

const ITEMS: &[ItemEntry] = &[
    item(
        TEA,
        "Ujeon green tea 우전",
        "Picked before the spring rain, from the oldest bushes of Hadong.",
        &[option("30 g tin", 38_000, 40), option("50 g tin", 59_000, 25)],
    ),
    item(
        TEA,
        "Sejak green tea 세작",
        "The small second leaves: an everyday tea with a long finish.",
        &[option("50 g pouch", 16_000, 120), option("100 g pouch", 29_000, 90)],
    ),
    item(
        TEA,
        "Hwangcha 황차",
        "A lightly oxidised yellow tea, round and warm.",
        &[option("40 g pouch", 18_500, 70), option("20 pyramid bags", 14_500, 110)],
    ),
    item(
        TEA,
        "Roasted barley tea 보리차",
        "For the big kettle, hot or cold.",
        &[option("500 g", 4_900, 300), option("1 kg", 8_900, 200)],
    ),
    item(
        TEA,
        "Buckwheat tea 메밀차",
        "Roasted tartary buckwheat from Bongpyeong, free of caffeine.",
        &[option("200 g", 7_900, 160)],
    ),
    item(
        TEA,
        "Chrysanthemum tea 국화차",
        "Whole small flowers, dried in the shade.",
        &[option("20 g jar", 12_500, 60), option("40 g jar", 22_000, 40)],
    ),
    item(
        COFFEE,
        "House blend 온누리 블렌드",
        "Chocolate and roasted chestnut; roasted on Tuesdays.",
        &[
            option("200 g, whole bean", 11_000, 100),
            option("200 g, ground for drip", 11_000, 100),
            option("1 kg, whole bean", 46_000, 30),
        ],
    ),
    item(
        COFFEE,
        "Drip bags 드립백",
        "Ten bags, each with 12 g, for a desk without a grinder.",
        &[option("Ten bags", 13_500, 140)],
    ),
    item(
        HONEY,
        "Yuja syrup 유자청",
        "Shredded citron from Goheung in honey; a spoon makes a cup.",
        &[option("350 g jar", 9_500, 130), option("900 g jar", 21_000, 70)],
    ),
    item(
        HONEY,
        "Acacia honey 아카시아꿀",
        "From one valley and one spring.",
        &[option("500 g jar", 19_800, 80), option("1 kg jar", 36_000, 50)],
    ),
];
