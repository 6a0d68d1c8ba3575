"""The characters that texts about customers mostly consist of tell what bytes are from what they merely could be."""

from __future__ import annotations

import re
from itertools import islice
from typing import Final

__all__ = ["share_of_usual"]

_MOST_USUAL: Final = (
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家"
    "种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十"
    "民第公此已工使情明性知全三又关点正业外将两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯"
    "月话合回特代内信表化老给世位次度门任常先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系气题活尔更别打女"
    "变四神总何电数安少报才结反受目太量再感建务做接必场件计管期市直德资命山金指克许统区保至队形社便空决治展马科司五基"
    "眼书非则听白却界达光放强即像难且权思王象完设式色路记南品住告类求据程北边死张该交规万取拉格望觉术领共确传师观清今"
    "切院让识候带导争运客户称联络型企址邮箱号码备注状态源姓省城县镇乡村街巷栋楼层室单职责负额款编限股份集团技贸易商店"
    "厂银账税证照采购预销售买价付收票服供料费元亿千百八六七九零半需跟级潜档李刘陈杨赵黄周吴徐孙胡朱林郭罗梁宋郑谢韩唐"
    "冯董萧曹袁邓傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田姜范石姚谭廖邹熊陆郝孔崔康毛邱秦江史顾侯邵孟龙段雷钱汤"
    "尹黎乔贺赖龚伟芳娜敏静秀丽磊洋勇艳杰娟涛超兰霞刚桂英华玉萍红娥玲芬燕彩春菊云凤洁梅琳雪荣爱妹香瑞凡佳嘉琼勤珍贞莉"
    "飞鹏浩亮永健辉宁贵福胜祥顺泽晨轩宇博雨欣怡涵京津沪渝河湖广川陕甘青藏疆辽吉黑浙徽闽鲁豫鄂湘粤港澳台深圳州杭甲乙丙"
    "戊庚辛填写示例选项请输网站微男未府构校医农渔木土火星辰亚欧洲國會來對時後發說們電話號碼聯絡類業郵戶稱備註狀態務經"
    "營龍車門關開學書報總體點實現張陳楊趙黃吳許鄭謝韓馮蕭鄧盧蔣賈葉閻鍾湯顧喬賀賴龔劉株県番氏担課佐藤鈴橋渡辺伊斎野井"
    "松沢島崎森池坂連売種町"
    "이가고는을를에의로도지기사리다대시인어나자한스부정제해수상원전서비라구주동일장보조성아만공여요신무유소니하과은그"
    "면있것들거게트마오모야우안경산연선화영용관방세행재회명객번호김박최강윤임권황송류홍양손배백허남심노곽차민진현준희"
    "숙순미혜담당업처락울천광북청층길역읍군빌딩식품국중학생년월날짜내외계약금액등록태분메휴폰"
)
"""Chinese, traditional and Japanese characters, and Korean syllables, as they stand in names, addresses and notes."""
_USUAL: Final = frozenset(_MOST_USUAL)
_WRITTEN: Final = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
_LAST_KANA: Final = "\u30ff"
_COUNTED: Final = 10_000
_FEWEST: Final = 4
"""Characters that tell something; fewer may all be rare ones."""


def share_of_usual(text: str, *, kana: bool = False) -> float | None:
    """Return which part of the East Asian characters of a text are usual ones; `None` if there are hardly any.

    Args:
        text: As it reads in some encoding; in a wrong one nearly all of its characters are rare.
        kana: Whether Japanese letters count as usual.

    >>> share_of_usual("客户名称"), share_of_usual("客户名称".encode("gbk").decode("euc_kr")), share_of_usual("a")
    (1.0, 0.0, None)
    """
    found = [match[0] for match in islice(_WRITTEN.finditer(text), _COUNTED)]
    usual = sum(character in _USUAL or (kana and character <= _LAST_KANA) for character in found)
    return usual / len(found) if len(found) >= _FEWEST else None
