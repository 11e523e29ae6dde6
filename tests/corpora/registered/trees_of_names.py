"""Small trees of corpora whose file names tell the labels."""

import json

from tests.corpora.registered.trees import Tree

TREES: dict[str, Tree] = {
    "savee": Tree(
        sounds=(
            "AudioData/DC/a01.wav",
            "AudioData/JE/sa02.wav",
            "AudioData/KL/su15.wav",
            "AudioData/JK/n30.wav",
        ),
        flat=("DC_a01.wav", "JE_sa02.wav", "KL_su15.wav", "JK_n30.wav"),
        clips={
            "AudioData/DC/a01.wav": {"speaker": "DC", "sex": "male", "emotion": "anger", "language": "eng"},
            "AudioData/JE/sa02.wav": {"speaker": "JE", "emotion": "sadness"},
            "AudioData/JK/n30.wav": {"speaker": "JK", "emotion": "neutral"},
            "AudioData/KL/su15.wav": {"speaker": "KL", "emotion": "surprise"},
        },
    ),
    "tess": Tree(
        sounds=(
            "OAF_angry/OAF_back_angry.wav",
            "OAF_neutral/OA_bite_neutral.wav",
            "YAF_pleasant_surprised/YAF_dog_ps.wav",
            "TESS/OAF_angry/OAF_back_angry.wav",
        ),
        flat=("OAF_back_angry.wav", "OA_bite_neutral.wav", "YAF_dog_ps.wav"),
        clips={
            "OAF_angry/OAF_back_angry.wav": {
                "speaker": "OAF",
                "age": 64,
                "emotion": "anger",
                "transcript": "Say the word back",
            },
            "OAF_neutral/OA_bite_neutral.wav": {"speaker": "OAF", "emotion": "neutral", "sentence": "bite"},
            "YAF_pleasant_surprised/YAF_dog_ps.wav": {"speaker": "YAF", "age": 26, "emotion": "surprise"},
        },
    ),
    "ravdess_song": Tree(
        sounds=("Actor_01/03-02-06-01-02-01-01.wav", "Actor_12/03-02-02-02-01-02-12.wav"),
        flat=("03-02-06-01-02-01-01.wav", "03-02-02-02-01-02-12.wav"),
        clips={
            "Actor_01/03-02-06-01-02-01-01.wav": {"speaker": "01", "sex": "male", "emotion": "fear"},
            "Actor_12/03-02-02-02-01-02-12.wav": {
                "speaker": "12",
                "sex": "female",
                "emotion": "calm",
                "intensity": "strong",
                "repetition": 2,
            },
        },
    ),
    "esd": Tree(
        sounds=(
            "0001/Neutral/0001_000001.wav",
            "0011/Angry/train/0011_000351.wav",
            "0020/Surprise/0020_001750.wav",
        ),
        flat=("0001_000001.wav", "0011_000351.wav", "0020_001750.wav"),
        texts={
            "0001/0001.txt": "0001_000001\t打远一看\t中立\n".encode("gb2312"),
            "0011/0011.txt": "0011_000351\tThe nine the eggs, I keep.\tAngry\nbroken line\n".encode("utf-16"),
        },
        clips={
            "0001/Neutral/0001_000001.wav": {
                "speaker": "0001",
                "emotion": "neutral",
                "sex": "female",
                "language": "zho",
                "transcript": "打远一看",
                "sentence": "zho1",
            },
            "0011/Angry/train/0011_000351.wav": {
                "speaker": "0011",
                "emotion": "anger",
                "sex": "male",
                "language": "eng",
                "sentence": "eng1",
                "transcript": "The nine the eggs, I keep.",
            },
            "0020/Surprise/0020_001750.wav": {
                "emotion": "surprise",
                "sentence": "eng350",
                "transcript": None,
            },
        },
    ),
    "emovo": Tree(
        sounds=("f1/dis-f1-b1.wav", "m3/gio-m3-n5.wav", "m2/pau-m2-l1.wav"),
        flat=("dis-f1-b1.wav", "gio-m3-n5.wav", "pau-m2-l1.wav"),
        clips={
            "f1/dis-f1-b1.wav": {"speaker": "f1", "sex": "female", "emotion": "disgust", "sentence": "b1"},
            "m2/pau-m2-l1.wav": {"speaker": "m2", "emotion": "fear"},
            "m3/gio-m3-n5.wav": {"speaker": "m3", "sex": "male", "emotion": "happiness", "language": "ita"},
        },
    ),
    "cafe": Tree(
        sounds=("Colère/Faible/01-C-1-1.wav", "Joie/Fort/02-J-2-6.wav", "Neutre/12-N-1-3.wav"),
        flat=("01-C-1-1.wav", "02-J-2-6.wav", "12-N-1-3.wav"),
        clips={
            "Colère/Faible/01-C-1-1.wav": {"speaker": "01", "sex": "male", "age": 46, "emotion": "anger"},
            "Joie/Fort/02-J-2-6.wav": {"sex": "female", "emotion": "happiness", "intensity": "strong"},
            "Neutre/12-N-1-3.wav": {"speaker": "12", "emotion": "neutral", "intensity": "mild"},
        },
    ),
    "subesco": Tree(
        sounds=("F_02_MONIKA_S_1_NEUTRAL_5.wav", "M_02_RAJU_S_10_ANGRY_1.wav"),
        flat=("F_02_MONIKA_S_1_NEUTRAL_5.wav", "M_02_RAJU_S_10_ANGRY_1.wav"),
        clips={
            "F_02_MONIKA_S_1_NEUTRAL_5.wav": {
                "speaker": "F02",
                "sex": "female",
                "emotion": "neutral",
                "sentence": "1",
            },
            "M_02_RAJU_S_10_ANGRY_1.wav": {
                "speaker": "M02",
                "sex": "male",
                "emotion": "anger",
                "sentence": "10",
            },
        },
    ),
    "shemo": Tree(
        sounds=("male/M01A01.wav", "female/F21W02.wav"),
        flat=("M01A01.wav", "F21W02.wav"),
        texts={"shemo.json": json.dumps({"M01A01": {"speaker_id": "M01", "transcript": "سلام"}})},
        clips={
            "male/M01A01.wav": {"speaker": "M01", "sex": "male", "emotion": "anger", "transcript": "سلام"},
            "female/F21W02.wav": {
                "speaker": "F21",
                "sex": "female",
                "emotion": "surprise",
                "language": "fas",
            },
        },
    ),
    "urdu": Tree(
        sounds=("Angry/SM1_F10_A010.wav", "Sad/SF11_F2_S03.wav"),
        flat=("SM1_F10_A010.wav", "SF11_F2_S03.wav"),
        clips={
            "Angry/SM1_F10_A010.wav": {"speaker": "SM1", "sex": "male", "emotion": "anger"},
            "Sad/SF11_F2_S03.wav": {
                "speaker": "SF11",
                "sex": "female",
                "emotion": "sadness",
                "language": "urd",
            },
        },
    ),
    "aesdd": Tree(
        sounds=("anger/a01 (1).wav", "sadness/s05 (3).wav", "disgust/d09 (6)b.wav"),
        flat=("a01 (1).wav", "s05 (3).wav", "d09 (6)b.wav"),
        clips={
            "anger/a01 (1).wav": {"speaker": "1", "emotion": "anger", "sentence": "s01"},
            "disgust/d09 (6)b.wav": {"speaker": "6", "emotion": "disgust", "take": "b"},
            "sadness/s05 (3).wav": {"speaker": "3", "emotion": "sadness", "language": "ell"},
        },
    ),
    "casia": Tree(
        sounds=("liuchanhg/angry/201.wav", "ZhaoZuoxiang/surprise/250.wav"),
        flat=("201-angry-liuchanhg.wav", "250-surprise-ZhaoZuoxiang.wav"),
        clips={
            "liuchanhg/angry/201.wav": {"speaker": "liuchanhg", "sex": "female", "emotion": "anger"},
            "ZhaoZuoxiang/surprise/250.wav": {"speaker": "zhaozuoxiang", "sex": "male", "sentence": "s250"},
        },
    ),
    "mead": Tree(
        sounds=("M003/audio/angry/level_1/001.m4a", "W011/audio/neutral/level_1/040.m4a"),
        clips={
            "M003/audio/angry/level_1/001.m4a": {
                "speaker": "M003",
                "sex": "m",
                "emotion": "anger",
                "level": 1,
            },
            "W011/audio/neutral/level_1/040.m4a": {"speaker": "W011", "sex": "female", "emotion": "neutral"},
        },
    ),
    "nemo": Tree(
        sounds=("samples/SK7_anger_12.wav", "samples/AB0_surprised_3.wav"),
        flat=("SK7_anger_12.wav", "AB0_surprised_3.wav"),
        texts={
            "data.tsv": "file_id\temotion\traw_text\tnormalized_text\tspeaker_id\tgender\tage\n"
            "SK7_anger_12.wav\tanger\tDziś.\tdziś\tSK7\tfemale\t24\n"
        },
        clips={
            "samples/AB0_surprised_3.wav": {"speaker": "AB0", "emotion": "surprise", "transcript": None},
            "samples/SK7_anger_12.wav": {
                "sex": "female",
                "age": 24,
                "emotion": "anger",
                "transcript": "Dziś.",
            },
        },
    ),
}
"""File stem of the reader → its tree, for corpora whose file names tell the labels."""
