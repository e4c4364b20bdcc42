// The prefectures of metropolitan France with their region, by INSEE code, and where they are.
const LIST = `
84|Auvergne-Rhône-Alpes|01053 Bourg-en-Bresse 46.205 5.226|03190 Moulins 46.566 3.333|07186 Privas 44.735 4.599|15014 Aurillac 44.931 2.444|26362 Valence 44.933 4.892|38185 Grenoble 45.189 5.725|42218 Saint-Étienne 45.440 4.387|43157 Le Puy-en-Velay 45.043 3.885|63113 Clermont-Ferrand 45.777 3.087|69123 Lyon 45.764 4.836|73065 Chambéry 45.565 5.918|74010 Annecy 45.899 6.129
27|Bourgogne-Franche-Comté|21231 Dijon 47.322 5.041|25056 Besançon 47.238 6.024|39300 Lons-le-Saunier 46.674 5.554|58194 Nevers 46.990 3.162|70550 Vesoul 47.623 6.155|71270 Mâcon 46.307 4.833|89024 Auxerre 47.798 3.567|90010 Belfort 47.640 6.864
53|Bretagne|22278 Saint-Brieuc 48.514 -2.765|29232 Quimper 47.996 -4.102|35238 Rennes 48.117 -1.678|56260 Vannes 47.658 -2.760
24|Centre-Val de Loire|18033 Bourges 47.081 2.399|28085 Chartres 48.447 1.488|36044 Châteauroux 46.811 1.691|37261 Tours 47.394 0.685|41018 Blois 47.587 1.336|45234 Orléans 47.903 1.909
94|Corse|2A004 Ajaccio 41.919 8.738|2B033 Bastia 42.697 9.451
44|Grand Est|08105 Charleville-Mézières 49.762 4.726|10387 Troyes 48.297 4.074|51108 Châlons-en-Champagne 48.957 4.363|52121 Chaumont 48.111 5.139|54395 Nancy 48.692 6.184|55029 Bar-le-Duc 48.773 5.160|57463 Metz 49.119 6.176|67482 Strasbourg 48.573 7.752|68066 Colmar 48.079 7.358|88160 Épinal 48.173 6.449
32|Hauts-de-France|02408 Laon 49.564 3.624|59350 Lille 50.629 3.057|60057 Beauvais 49.430 2.081|62041 Arras 50.291 2.778|80021 Amiens 49.894 2.296
11|Île-de-France|75056 Paris 48.857 2.352|77288 Melun 48.540 2.660|78646 Versailles 48.805 2.120|91228 Évry-Courcouronnes 48.629 2.441|92050 Nanterre 48.892 2.207|93008 Bobigny 48.910 2.440|94028 Créteil 48.790 2.455|95500 Pontoise 49.051 2.101
28|Normandie|14118 Caen 49.183 -0.371|27229 Évreux 49.024 1.151|50502 Saint-Lô 49.116 -1.091|61001 Alençon 48.432 0.091|76540 Rouen 49.443 1.099
75|Nouvelle-Aquitaine|16015 Angoulême 45.650 0.156|17300 La Rochelle 46.160 -1.151|19272 Tulle 45.267 1.770|23096 Guéret 46.171 1.872|24322 Périgueux 45.184 0.721|33063 Bordeaux 44.838 -0.579|40192 Mont-de-Marsan 43.893 -0.500|47001 Agen 44.203 0.616|64445 Pau 43.295 -0.370|79191 Niort 46.323 -0.464|86194 Poitiers 46.580 0.340|87085 Limoges 45.834 1.262
76|Occitanie|09122 Foix 42.965 1.607|11069 Carcassonne 43.213 2.351|12202 Rodez 44.350 2.575|30189 Nîmes 43.837 4.360|31555 Toulouse 43.604 1.444|32013 Auch 43.646 0.586|34172 Montpellier 43.611 3.877|46042 Cahors 44.448 1.441|48095 Mende 44.518 3.501|65440 Tarbes 43.233 0.078|66136 Perpignan 42.699 2.895|81004 Albi 43.929 2.148|82121 Montauban 44.018 1.355
52|Pays de la Loire|44109 Nantes 47.218 -1.554|49007 Angers 47.473 -0.555|53130 Laval 48.073 -0.769|72181 Le Mans 48.006 0.199|85191 La Roche-sur-Yon 46.670 -1.426
93|Provence-Alpes-Côte d'Azur|04070 Digne-les-Bains 44.092 6.236|05061 Gap 44.559 6.079|06088 Nice 43.703 7.266|13055 Marseille 43.296 5.370|83137 Toulon 43.125 5.931|84007 Avignon 43.949 4.806
`;

export interface Commune {
  readonly regionCode: string;
  readonly region: string;
  readonly code: string;
  readonly name: string;
  readonly latitude: number;
  readonly longitude: number;
}

export const communes: readonly Commune[] = LIST.trim()
  .split("\n")
  .flatMap((line) => {
    const [regionCode = "", region = "", ...places] = line.split("|");
    return places.map((place) => {
      const [, code = "", name = "", latitude, longitude] = /^(\S+) (.+) (\S+) (\S+)$/.exec(place) ?? [];
      return { regionCode, region, code, name, latitude: Number(latitude), longitude: Number(longitude) };
    });
  });

export function communesCsv(list: readonly Commune[] = communes): string {
  const lines = list.map((one) => [one.regionCode, one.region, one.code, one.name, one.latitude, one.longitude]);
  return `${["code_région;nom_région;code_insee;nom_commune;latitude;longitude", ...lines.map((line) => line.join(";"))].join("\n")}\n`;
}
