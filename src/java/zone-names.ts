/**
 * Abbreviations of time zones that Java reads in a date, by their offset from UTC in minutes. Long names and region
 * names are not read.
 */
const byOffset: Readonly<Record<string, string>> = {
  '-660': 'nust nut sdt sst',
  '-600': 'ckhst ckt hast hdt hst tahst taht',
  '-570': 'marst mart',
  '-540': 'akst gamst gamt hadt',
  '-480': 'akdt pst',
  '-420': 'mst pdt',
  '-360': 'cst galst galt mdt',
  '-300': 'act cdt cost cot easst ecst ect est pest pet petst pett',
  '-240': 'ast bost bot clt edt gyst gyt pyt vest vet',
  '-210': 'nst',
  '-180': 'adt arst art brst brt clst fkst fkt gfst gft pmst rotst rott srst srt uyst uyt',
  '-150': 'ndt',
  '-120': 'fnst fnt pmdt wgt',
  '-60': 'azot cvst cvt wgst',
  '0': 'azost ghst gmt utc wet',
  '60': 'bst cet met wast wat west',
  '120': 'cast cat cest eet ist mest sast',
  '180': 'east eat eest idt msd msk syost syot trst trt',
  '210': 'irdt irst',
  '240': 'amst amt azst azt gdt gest get gst must mut rest ret samst samt scst sct',
  '270': 'afst aft',
  '300':
    'aqtst aqtt mawst mawt mvst mvt orast orat pkst pkt qyzst qyzt tfst tft tjst tjt tmst tmt uzst uzt vosst vost yekst yekt',
  '345': 'npst npt',
  '360': 'bdst bdt btst btt iost iot kgst kgt omsst omst xjdt xjt',
  '390': 'ccst cct mmst mmt',
  '420': 'cxst cxt davst davt hovst hovt icst ict krast krat novst novt wib wist',
  '480': 'awdt awst bnst bnt chost chot cist hkst hkt irkst irkt myst myt sgst sgt ulast ulat',
  '525': 'acwdt acwst',
  '540': 'eist jdt jst kdt kst pwst pwt tlst tlt wit wita yakst yakt',
  '570': 'acdt acst',
  '600': 'aest chdt chst chust chut ddust ddut pgst pgt vlast vlat',
  '630': 'lhst',
  '660': 'aedt kosst kost lhdt magst magt ncst nct nft ponst pont sakst sakt sbst sbt sredt sret vust vut',
  '720': 'anast anat fjst fjt gilst gilt mhst mht nfst nrst nrt nzst tvst tvt wakst wakt wfst wft',
  '765': 'chast',
  '780': 'nzdt phost phot tkst tkt tost tot wsdt wsst',
  '825': 'chadt',
  '840': 'linst lint',
};

export const zoneOffsets: ReadonlyMap<string, number> = new Map(
  Object.entries(byOffset).flatMap(([offset, names]) =>
    names.split(' ').map((name) => [name, Number(offset)] as const),
  ),
);
