"""The words of the printed release in its three languages, by the English ones.

A table and no catalogue: the same release gives the same bytes whatever the installation speaks.
What people wrote stays in the language it was approved in.
"""

from collections.abc import Mapping

LANGUAGES: Mapping[str, str] = {"en": "English", "zh-Hant": "繁體中文", "fr": "Français"}

# English: (Traditional Chinese, French)
_WORDS: Mapping[str, tuple[str, str]] = {
    # Between words: a comma or colon of this script.
    ", ": ("、", ", "),
    ": ": ("：", "\u00a0: "),
    "About": ("關於", "Concerne"),
    "Account": ("帳戶", "Compte"),
    "Address": ("地址", "Adresse"),
    "Amount": ("金額", "Montant"),
    "Amounts:": ("金額：", "Montants :"),
    "Asked": ("請求", "Demandé"),
    "Asset": ("資產", "Actif"),
    "Assumptions": ("假設", "Hypothèses"),
    "At least": ("至少", "Au moins"),
    "At most": ("至多", "Au plus"),
    "Balance sheet": ("收支核對", "Bilan"),
    "Before": ("先前", "Avant"),
    "By policy": ("依方法", "Selon la méthode"),
    "Caveats": ("使用限制", "Réserves"),
    "Confidence": ("可信度", "Confiance"),
    "Customer": ("客戶", "Client"),
    "Customers who paid the platform": ("曾向該平台付款的客戶", "Clients ayant payé la plateforme"),
    "Evidence": ("證據", "Preuve"),
    "Exhibit": ("證物", "Pièce à conviction"),
    "Exhibits": ("證物", "Pièces à conviction"),
    "File": ("檔案", "Fichier"),
    "Finding": ("調查結果", "Constat"),
    "Findings": ("調查結果", "Constats"),
    "For": ("致", "Pour"),
    "Freezes": ("凍結", "Gels"),
    "Glossary": ("詞彙", "Glossaire"),
    "Handling code": ("處理代碼", "Code de traitement"),
    "Held": ("已凍結", "Gelé"),
    "Held now": ("目前凍結", "Gelé à ce jour"),
    "Kind": ("類型", "Type"),
    "Left out for this recipient": ("對此收件者略去", "Omis pour ce destinataire"),
    "Legal gateway": ("法律依據", "Fondement juridique"),
    "Method and limits": ("方法與限制", "Méthode et limites"),
    "Name": ("名稱", "Nom"),
    "Names": ("姓名", "Noms"),
    "No.": ("編號", "N°"),
    "Now": ("現在", "Maintenant"),
    "Other explanations": ("其他解釋", "Autres explications"),
    "Paid": ("已付", "Payé"),
    "Payments": ("付款", "Paiements"),
    "People and organisations": ("人員與組織", "Personnes et organisations"),
    "Price": ("價格", "Prix"),
    "Purpose": ("目的", "Finalité"),
    "Release": ("發布", "Communication"),
    "Role": ("角色", "Rôle"),
    "Sealed": ("封存", "Scellé"),
    "Seal": ("封印", "Sceau"),
    "Severity": ("嚴重程度", "Gravité"),
    "Source": ("來源", "Source"),
    "Standing": ("身分", "Statut"),
    "Statement": ("陳述", "Énoncé"),
    "Subject": ("主題", "Objet"),
    "Summary": ("摘要", "Résumé"),
    "TLP": ("TLP", "TLP"),
    "Tag": ("標籤", "Étiquette"),
    "Tags on the wallets": ("錢包標籤", "Étiquettes des portefeuilles"),
    "The money flow": ("資金流向", "Le flux des fonds"),
    "Trace": ("追蹤", "Traçage"),
    "Traces": ("追蹤", "Traçages"),
    "Value when held": ("凍結時價值", "Valeur lors du gel"),
    "Wallet": ("錢包", "Portefeuille"),
    "Wallets": ("錢包", "Portefeuilles"),
    "Weakest evidence": ("最弱證據", "Preuve la plus faible"),
    "What": ("內容", "Quoi"),
    "What changed since": ("自此以來的變更：", "Modifications depuis"),
    "What speaks against it": ("反面證據", "Éléments contraires"),
    "Why this confidence": ("可信度理由", "Motif de la confiance"),
    "audit": ("稽核", "journal"),
    "copy": ("副本", "copie"),
    "left out": ("略去", "omis"),
    "preview, not sealed": ("預覽，未封存", "aperçu, non scellé"),
    "tier": ("級別", "niveau"),
    "What the heuristics of these traces got wrong where the truth is known:": (
        "在已知真相的資料上，這些追蹤所用經驗法則的錯誤：",
        "Ce que les heuristiques de ces traçages ont manqué là où la vérité est connue :",
    ),
    "Measured on": ("量測資料", "Mesuré sur"),
    "Wrong": ("錯誤", "Erreurs"),
    "Version": ("版本", "Version"),
    "CoinJoin detection": ("CoinJoin 偵測", "Détection des CoinJoin"),
    "missed": ("漏判", "manqués"),
    "false hits": ("誤判", "faux positifs"),
    # What was granted, under which law and by which office.
    "Accounts granted": ("准予提供的帳戶", "Comptes communiqués"),
    "Account holder": ("帳戶持有人", "Titulaire du compte"),
    "Granted": ("准予提供", "Communiqué"),
    "Not granted": ("未准予提供", "Non communiqué"),
    "Request": ("請求", "Demande"),
    "Instrument": ("法律文書", "Acte"),
    "Request decided by": ("請求決定者", "Demande décidée par"),
    "redact_referral": ("略去內容決定者", "Omissions décidées par"),
    "approve_referral": ("核准者", "Approuvé par"),
    "clear_referral": ("法律審查者", "Autorisé en droit par"),
    "analyst": ("分析員", "Analyste"),
    "supervisor": ("主管", "Supervision"),
    "compliance": ("法遵", "Conformité"),
    "Asked for, and not granted by that decision": (
        "曾請求，但該決定未准予",
        "Demandé, et non accordé par cette décision",
    ),
    "Police request": ("警方請求", "Demande de police"),
    "Subpoena": ("傳票", "Assignation à produire"),
    "Who the customer is": ("客戶身分", "L’identité du client"),
    "Identity documents": ("身分文件", "Pièces d’identité"),
    "Balances": ("餘額", "Soldes"),
    "Deposits of crypto-assets": ("加密資產存入", "Dépôts de crypto-actifs"),
    "Withdrawals of crypto-assets": ("加密資產提領", "Retraits de crypto-actifs"),
    "Deposits of money": ("資金存入", "Dépôts d’argent"),
    "Withdrawals of money": ("資金提領", "Retraits d’argent"),
    "Trades": ("交易紀錄", "Échanges"),
    "Sign-ins with addresses": ("登入紀錄與位址", "Connexions avec adresses"),
    "Devices": ("裝置", "Appareils"),
    "Correspondence with support": ("與客服的往來", "Échanges avec l’assistance"),
    "Linked accounts": ("關聯帳戶", "Comptes liés"),
    "Each account, personal field and dataset stands one by one in grants.csv, with the law and the"
    " decision under which it was granted or not. Of an account only its last characters are"
    " told.": (
        "每一帳戶、個資欄位及資料集均逐項列於 grants.csv，並載明准予或不准予所依據的法律與決定。"
        "帳戶僅顯示末幾碼。",
        "Chaque compte, donnée personnelle et jeu de données figure un à un dans grants.csv, avec"
        " le droit et la décision selon lesquels il est communiqué ou non. D'un compte, seuls les"
        " derniers caractères sont indiqués.",
    ),
    # Fixed words of the dossier.
    "Low": ("低", "Faible"),
    "Medium": ("中", "Moyenne"),
    "High": ("高", "Élevée"),
    "Severe": ("嚴重", "Très élevée"),
    "Ledger fact": ("帳本事實", "Fait du registre"),
    "Exchange record": ("交易所紀錄", "Donnée de la plateforme d'échange"),
    "Deterministic inference with proof": ("附證明的確定性推論", "Déduction certaine avec preuve"),
    "Heuristic": ("經驗法則", "Heuristique"),
    "Outside claim": ("外部說法", "Affirmation extérieure"),
    "Spontaneous": ("主動提供", "Spontanée"),
    "Reply": ("回覆", "Réponse"),
    "Joint operation": ("聯合行動", "Opération conjointe"),
    "Personal data of somebody else": ("他人個資", "Données personnelles d'un tiers"),
    "Would betray a method": ("會洩漏方法", "Révélerait une méthode"),
    "Would endanger ongoing work": ("會危及進行中的工作", "Nuirait à un travail en cours"),
    "Legally privileged": ("受法律特權保護", "Couvert par le secret légal"),
    "Confidential business data": ("商業機密", "Données commerciales confidentielles"),
    "Its source does not allow it to be passed on": (
        "來源不允許轉交",
        "Sa source n’en permet pas la transmission",
    ),
    "Not needed for the purpose": ("與目的無關", "Non nécessaire à la finalité"),
    # What suspects, wallets, findings, freezes and exhibits are; states as the dossier has them.
    "Person": ("自然人", "Personne"),
    "Organisation": ("組織", "Organisation"),
    "Persona": ("化名身分", "Identité d'emprunt"),
    "Unknown": ("不明", "Inconnu"),
    "Person of interest": ("關係人", "Personne d'intérêt"),
    "Suspect": ("嫌疑人", "Suspect"),
    "Charged": ("已起訴", "Mis en accusation"),
    "Arrested": ("已逮捕", "Arrêté"),
    "Convicted": ("已定罪", "Condamné"),
    "Acquitted": ("已獲判無罪", "Acquitté"),
    "Cleared": ("已排除嫌疑", "Mis hors de cause"),
    "Victim": ("被害人", "Victime"),
    "Witness": ("證人", "Témoin"),
    "Market bank": ("市集資金庫", "Banque du marché"),
    "Hot wallet": ("熱錢包", "Portefeuille chaud"),
    "Cold wallet": ("冷錢包", "Portefeuille froid"),
    "Administrator": ("管理者", "Administrateur"),
    "Vendor": ("賣家", "Vendeur"),
    "Buyer": ("買家", "Acheteur"),
    "Swap service": ("兌換服務", "Service d'échange"),
    "Mixer": ("混幣服務", "Mélangeur"),
    "Deposit address": ("存款地址", "Adresse de dépôt"),
    "Money mule": ("人頭帳戶", "Passeur de fonds"),
    "Service": ("服務", "Service"),
    "Court order": ("法院命令", "Ordonnance du tribunal"),
    "Prosecutor's order": ("檢察官命令", "Ordre du ministère public"),
    "Police order": ("警方命令", "Ordre de police"),
    "Mutual legal assistance": ("司法互助", "Entraide judiciaire"),
    "Sanctions": ("制裁", "Sanctions"),
    "Terms of service": ("服務條款", "Conditions d'utilisation"),
    "Own suspicion": ("自身懷疑", "Soupçon propre"),
    "Withdrawals": ("提領", "Retraits"),
    "Trading": ("交易", "Négociation"),
    "All movements": ("所有異動", "Tous les mouvements"),
    "Exposure": ("曝險", "Exposition"),
    "Cluster": ("群集", "Grappe"),
    "Path": ("路徑", "Chemin"),
    "Pattern": ("模式", "Schéma"),
    "Identity": ("身分", "Identité"),
    "Customer match": ("客戶相符", "Correspondance client"),
    "Infrastructure": ("基礎設施", "Infrastructure"),
    "Other": ("其他", "Autre"),
    "Document": ("文件", "Document"),
    "Legal instrument": ("法律文書", "Acte juridique"),
    "Ledger extract": ("帳本摘錄", "Extrait du registre"),
    "Account snapshot": ("帳戶快照", "Relevé de compte"),
    "Screenshot": ("螢幕截圖", "Capture d'écran"),
    "Open source": ("公開來源", "Source ouverte"),
    "Output of a tool": ("工具輸出", "Résultat d'un outil"),
    "Correspondence": ("往來文件", "Correspondance"),
    "active": ("生效中", "en vigueur"),
    "decision_due": ("待決定", "décision attendue"),
    "forward": ("順向", "vers l'aval"),
    "backward": ("逆向", "vers l'amont"),
    # Sentences.
    "Amounts follow the named policy and lie between sound bounds, whichever policy one holds with."
    " A tier says how strong the weakest evidence of a finding is: 0 ledger fact, 1 exchange"
    " record, 2 inference with proof, 3 heuristic, 4 outside claim. Only findings that a second"
    " person approved are here.": (
        "金額依所列方法計算，且無論採用何種方法，皆介於可靠的上下限之間。級別表示一項結果中最弱證據的"
        "強度：0 帳本事實，1 交易所紀錄，2 附證明的推論，3 經驗法則，4 外部說法。此處僅列出經第二人"
        "核准的結果。",
        "Les montants suivent la méthode indiquée et restent entre des bornes sûres, quelle que"
        " soit la méthode retenue. Le niveau dit la force de la preuve la plus faible d'un"
        " constat :"
        " 0 fait du registre, 1 donnée de la plateforme, 2 déduction avec preuve, 3 heuristique,"
        " 4 affirmation extérieure. Seuls figurent ici les constats approuvés par une seconde"
        " personne.",
    ),
    "Check the files of this release against its manifest: each is named there with its SHA-256."
    " Who did what to its content, and when, stands in custody.json.": (
        "請依清單核對本發布的各檔案：每一檔案均列有其 SHA-256。內容由何職務於何時處理，見"
        " custody.json。",
        "Vérifiez les fichiers de cette communication avec son manifeste : chacun y figure avec son"
        " SHA-256. Qui a fait quoi, et quand, se trouve dans custody.json.",
    ),
    "Each trace is pinned by its block, the code that ran and its parameters, and adds up: in ="
    " ends + fees + cut, in base units.": (
        "每一追蹤均以其區塊、所執行的程式碼及參數固定，且收支相符：流入 = 終點 + 手續費 + 截去，"
        "以最小單位計。",
        "Chaque traçage est fixé par son bloc, le code exécuté et ses paramètres, et son bilan est"
        " juste : entrées = fins + frais + retranché, en unités de base.",
    ),
    "Policy: the rule that splits mixed money. FIFO takes the oldest first, LIFO the newest,"
    " haircut in proportion; poison counts everything touched.": (
        "方法：劃分混合資金的規則。FIFO 先取最早者，LIFO 先取最新者，haircut 按比例；"
        "poison 計入一切觸及者。",
        "Méthode : la règle qui partage l'argent mélangé. FIFO prend le plus ancien, LIFO le plus"
        " récent, haircut au prorata ; poison compte tout ce qui a été touché.",
    ),
    "Bounds: what must and what can be of traced origin, whatever the policy.": (
        "上下限：無論採用何種方法，必然與可能屬於所追蹤來源的金額。",
        "Bornes : ce qui doit et ce qui peut être d'origine tracée, quelle que soit la méthode.",
    ),
    "Seal: the hash that pins a result; one changed digit gives another.": (
        "封印：固定結果的雜湊值；更動任一數字即得不同的值。",
        "Sceau : l'empreinte qui fixe un résultat ; un chiffre modifié en donne une autre.",
    ),
}


# Of codes, which are no words of any language.
_ENGLISH: Mapping[str, str] = {
    "redact_referral": "What is left out, decided by",
    "approve_referral": "Approved by",
    "clear_referral": "Cleared by law by",
    "analyst": "Analyst",
    "supervisor": "Supervisor",
    "compliance": "Compliance",
}


def say(words: str, language: str) -> str:
    """The words in this language; those that no table knows stay as they are."""
    found = _WORDS.get(words)
    if found is None or language not in ("zh-Hant", "fr"):
        return _ENGLISH.get(words, words)
    return found[0] if language == "zh-Hant" else found[1]


def is_known(words: str) -> bool:
    """Whether every language has these words."""
    return words in _WORDS
