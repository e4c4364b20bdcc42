const COUNTRIES = ["de", "fr"];
const RATE = 1.19;
module.exports = { COUNTRIES, RATE };
