"""Small trees of corpora with tables of labels."""

import json

from tests.corpora.registered.trees import Tree

M3ED = {
    "anjia": {
        "anjia_1": {
            "SpeakerInfo": {
                "A": {"Name": "fang", "Age": "mid", "Gender": "Female"},
                "B": {"Name": "xu", "Age": "mid", "Gender": "Male"},
            },
            "Dialog": {
                "anjia_1_1": {
                    "StartTime": "00:00:01",
                    "EndTime": "00:00:02",
                    "Text": "你好",
                    "Speaker": "A",
                    "EmoAnnotation": {
                        "EmoAnnotator1": "Happy",
                        "EmoAnnotator2": "Neutral,Happy",
                        "EmoAnnotator3": "Happy",
                        "final_mul_emo": "Happy",
                        "final_main_emo": "Happy",
                    },
                },
                "anjia_1_2": {
                    "StartTime": "00:00:03",
                    "EndTime": "00:00:04",
                    "Text": "走",
                    "Speaker": "B",
                    "EmoAnnotation": {
                        "EmoAnnotator1": "Anger",
                        "EmoAnnotator2": "Anger",
                        "EmoAnnotator3": "Disgust",
                        "final_mul_emo": "Anger",
                        "final_main_emo": "Anger",
                    },
                },
            },
        }
    }
}

MELD_HEADER = (
    "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime\n"
)
MOSEI_ROWS = "".join(
    f"video{i},0,text,{i % 7 - 3},,,,x,{'test' if i == 0 else 'valid'}\n" for i in range(201)
)

TREES: dict[str, Tree] = {
    "resd": Tree(
        sounds=("train/32_happiness_enthusiasm_h_120.wav", "test/1_anger_x.wav"),
        texts={
            "train.csv": "name,path,emotion,text\na,32_happiness_enthusiasm_h_120.wav,happiness,Да\n",
            "test.csv": "name,path,emotion,text\nb,1_anger_x.mp4,anger,Нет\n",
        },
        clips={
            "train/32_happiness_enthusiasm_h_120.wav": {
                "emotion": "happiness",
                "split": "train",
                "transcript": "Да",
            },
            "test/1_anger_x.wav": {"emotion": "anger", "split": "test", "language": "rus"},
        },
    ),
    "emozionalmente": Tree(
        sounds=("audio/1.wav", "audio/2.wav"),
        texts={
            "metadata/samples.csv": "file_name,sentence,sentence_language,actor,emotion_expressed\n"
            "1.wav,Ciao,it,anna,joy\n2.wav,No,it,ugo,neutrality\n",
            "metadata/users.csv": "username,gender,age,mother_tongue\nanna,female,31,it\nugo,male,40,it\n",
            "metadata/evaluations.csv": "file_name,evaluator,audio_quality,emotion_recognized\n"
            "1.wav,r1,good,joy\n1.wav,r2,good,surprise\n2.wav,r1,good,neutrality\n",
            "metadata/split/test.csv": "file_name\n2.wav\n",
        },
        clips={
            "audio/1.wav": {
                "speaker": "anna",
                "sex": "female",
                "age": 31,
                "emotion": "happiness",
                "split": None,
            },
            "audio/2.wav": {"speaker": "ugo", "emotion": "neutral", "split": "test", "transcript": "No"},
        },
        raters=(
            ("audio/1.wav", "r1", "happiness"),
            ("audio/1.wav", "r2", "surprise"),
            ("audio/2.wav", "r1", "neutral"),
        ),
    ),
    "dusha": Tree(
        sounds=("crowd_train/wavs/h1.wav", "crowd_train/wavs/h2.wav", "crowd_test/wavs/h3.wav"),
        texts={
            f"{part}/raw_{part}.tsv": "hash_id\taudio_path\tduration\tannotator_emo\tgolden_emo\t"
            f"speaker_text\tspeaker_emo\tsource_id\tannotator_id\n{rows}"
            for part, rows in {
                "crowd_train": "h1\twavs/h1.wav\t1\tpositive\t\tда\tpositive\ts1\ta1\n"
                "h1\twavs/h1.wav\t1\tpositive\t\tда\tpositive\ts1\ta2\n"
                "h1\twavs/h1.wav\t1\tsad\t\tда\tpositive\ts1\ta3\n"
                "h2\twavs/h2.wav\t1\tangry\t\tнет\tangry\ts2\ta1\n"
                "h2\twavs/h2.wav\t1\tneutral\t\tнет\tangry\ts2\ta2\n"
                "h2\twavs/h2.wav\t1\tneutral\tangry\tнет\tangry\ts2\ta3\n",
                "crowd_test": "h3\twavs/h3.wav\t1\tsad\t\tэх\tsad\ts3\ta1\n",
            }.items()
        },
        clips={
            "crowd_train/wavs/h1.wav": {"speaker": "s1", "emotion": "happiness", "split": "crowd-train"},
            "crowd_train/wavs/h2.wav": {"speaker": "s2", "emotion": None, "intended": "anger"},
            "crowd_test/wavs/h3.wav": {"emotion": "sadness", "split": "crowd-test", "transcript": "эх"},
        },
        raters=(
            ("h1", "a1", "happiness"),
            ("h1", "a2", "happiness"),
            ("h1", "a3", "sadness"),
            ("h2", "a1", "anger"),
            ("h2", "a2", "neutral"),
            ("h3", "a1", "sadness"),
        ),
    ),
    "m3ed": Tree(
        sounds=("modality_speech/A_anjia_1_1.wav", "modality_speech/B_anjia_1_2.wav"),
        texts={
            "annotation.json": json.dumps(M3ED),
            "splitInfo/movie_list_train.txt": "other\n",
            "splitInfo/movie_list_val.txt": "anjia\n",
        },
        clips={
            "modality_speech/A_anjia_1_1.wav": {
                "speaker": "anjia_fang",
                "sex": "female",
                "emotion": "happiness",
                "split": "dev",
                "dialog": "anjia_1",
                "transcript": "你好",
            },
            "modality_speech/B_anjia_1_2.wav": {"speaker": "anjia_xu", "sex": "male", "emotion": "anger"},
        },
        raters=(
            ("anjia_1_1", "EmoAnnotator1", "Happy"),
            ("anjia_1_1", "EmoAnnotator2", "Neutral"),
            ("anjia_1_1", "EmoAnnotator3", "Happy"),
            ("anjia_1_2", "EmoAnnotator1", "Anger"),
            ("anjia_1_2", "EmoAnnotator2", "Anger"),
            ("anjia_1_2", "EmoAnnotator3", "Disgust"),
        ),
    ),
    "meld": Tree(
        sounds=(
            "train/train_splits/dia0_utt0.mp4",
            "train/train_splits/dia0_utt0.wav",
            "dev_splits_complete/dia0_utt0.mp4",
            "output_repeated_splits_test/dia0_utt0.mp4",
        ),
        texts={
            "train/train_sent_emo.csv": MELD_HEADER
            + '1,"also I was, the point",Chandler,neutral,neutral,0,0,8,21,a,b\n',
            "dev_sent_emo.csv": MELD_HEADER + "1,Oh my God\x92s!,Phoebe,joy,positive,0,0,4,7,a,b\n",
            "test_sent_emo.csv": MELD_HEADER + "1,Why?,Mark,surprise,positive,0,0,3,19,a,b\n",
        },
        clips={
            "train/train_splits/dia0_utt0.wav": {
                "speaker": "Chandler",
                "emotion": "neutral",
                "split": "train",
                "dialog": "train_0",
                "transcript": "also I was, the point",
            },
            "dev_splits_complete/dia0_utt0.mp4": {
                "emotion": "happiness",
                "transcript": "Oh my God’s!",
                "split": "dev",
                "sentiment": "positive",
            },
            "output_repeated_splits_test/dia0_utt0.mp4": {"emotion": "surprise", "split": "test"},
        },
    ),
    "mosei": Tree(
        sounds=tuple(f"Raw/video{i}/0.wav" for i in range(201)),
        texts={
            "label.csv": "video_id,clip_id,text,label,label_T,label_A,label_V,annotation,mode\n" + MOSEI_ROWS
        },
        clips={
            "Raw/video0/0.wav": {"speaker": "video0", "valence": 0.0, "split": "test", "language": "eng"},
            "Raw/video6/0.wav": {"valence": 1.0, "split": "dev"},
        },
    ),
    "msp_improv": Tree(
        sounds=(
            "Audio/session1/S01A/P/MSP-IMPROV-S01A-F01-P-FM01.wav",
            "Audio/session1/S01S/S/MSP-IMPROV-S01S-M01-S-MF02.wav",
            "Audio/session6/S20N/T/MSP-IMPROV-S20N-M06-T-FM03.wav",
        ),
        texts={
            "Evalution.txt": "UTD-IMPROV-S01A-F01-P-FM01.avi; A; A:2.00; V:1.000000; D:4.000000 ; N:4.0;\n"
            "00-p00105; Angry; Angry,Frustrated,; A:1; V:1; D:4; N:4;\n"
            "00-p00106; Other (annoyed); Frustrated,; A:3; V:1; D:4; N:4;\n\n"
            "UTD-IMPROV-S01S-M01-S-MF02.avi; S; A:4.000000; V:2.000000; D:NaN ; N:NaN;\n"
            "00-p00105; Sad; Sad,; A:4; V:2; D:3; N:4;\n\n"
            "UTD-IMPROV-S20N-M06-T-FM03.avi; X; A:3.000000; V:3.000000; D:3.000000 ; N:4.0;\n"
        },
        clips={
            # by hand: the activation of anger, 2, is lower than that of sadness, 4: (6 − 2 − 1) / 4
            "Audio/session1/S01A/P/MSP-IMPROV-S01A-F01-P-FM01.wav": {
                "speaker": "F01",
                "sex": "female",
                "emotion": "anger",
                "arousal": 0.75,
                "valence": 0.0,
                "dominance": 0.75,
                "session": "01",
                "dialog": "S01A-01-P",
            },
            "Audio/session1/S01S/S/MSP-IMPROV-S01S-M01-S-MF02.wav": {
                "speaker": "M01",
                "emotion": "sadness",
                "arousal": 0.25,
                "dominance": None,
            },
            "Audio/session6/S20N/T/MSP-IMPROV-S20N-M06-T-FM03.wav": {"speaker": "M06", "emotion": None},
        },
        raters=(
            ("MSP-IMPROV-S01A-F01-P-FM01", "00-p00105", "Angry"),
            ("MSP-IMPROV-S01A-F01-P-FM01", "00-p00106", "Other"),
            ("MSP-IMPROV-S01S-M01-S-MF02", "00-p00105", "Sad"),
        ),
    ),
    "msp_podcast": Tree(
        sounds=("Audios/MSP-PODCAST_0001_0008.wav", "Audios/MSP-PODCAST_0002_0001.wav"),
        texts={
            "Labels/labels_consensus.csv": "FileName,EmoClass,EmoAct,EmoVal,EmoDom,SpkrID,Gender,Split_Set\n"
            "MSP-PODCAST_0001_0008.wav,N,2.2,4.0,2.5,30,Male,Test1\n"
            "MSP-PODCAST_0002_0001.wav,X,4,4,4,Unknown,Unknown,Train\n",
            "Labels/labels_detailed.csv": "FileName,EmoDetail\n"
            'MSP-PODCAST_0001_0008.wav,"WORKER1; Neutral; Neutral,Concerned,; A:2.0; V:4.0; D:2.0;"\n'
            'MSP-PODCAST_0001_0008.wav,"WORKER2; Other-tired; Other-tired,; A:3.0; V:4.0; D:3.0;"\n',
            "Transcripts/MSP-PODCAST_0001_0008.txt": "so it goes\n",
        },
        clips={
            "Audios/MSP-PODCAST_0001_0008.wav": {
                "speaker": "30",
                "sex": "male",
                "emotion": "neutral",
                "arousal": 0.2,
                "dominance": 0.25,
                "split": "test1",
                "transcript": "so it goes",
                "language": "eng",
            },
            "Audios/MSP-PODCAST_0002_0001.wav": {"speaker": None, "emotion": None, "transcript": None},
        },
        raters=(
            ("Audios/MSP-PODCAST_0001_0008.wav", "WORKER1", "neutral"),
            ("Audios/MSP-PODCAST_0001_0008.wav", "WORKER2", "other"),
        ),
    ),
    "biic_podcast": Tree(
        sounds=("Audios/BIIC-PODCAST_1000_0321_0003.wav",),
        texts={
            "Labels/labels_consensus.csv": "FileName,EmoClass,EmoAct,EmoVal,EmoDom,SpkrID,Gender,Split_Set\n"
            "BIIC-PODCAST_1000_0321_0003.wav,H,7,7,1,12,Female,Development\n",
            "Labels/labels_detailed.csv": "FileName,Worker,EmoClass_Major,EmoAct,EmoVal,EmoDom\n"
            "BIIC-PODCAST_1000_0321_0003.wav,w9,Happy,7,7,1\n",
        },
        clips={
            "Audios/BIIC-PODCAST_1000_0321_0003.wav": {
                "speaker": "12",
                "emotion": "happiness",
                "arousal": 1.0,
                "dominance": 0.0,
                "split": "dev",
                "language": "zho",
            },
        },
        raters=(("Audios/BIIC-PODCAST_1000_0321_0003.wav", "w9", "happy"),),
    ),
    "biic_nnime": Tree(
        sounds=("Audios/angry_01_A_002.wav", "Audios/happy_14_B_006.wav"),
        texts={
            "Secondary/labels_consensus_1.csv": ",angry,neutral,joy,EmoAct,EmoVal,SpkrID,Gender,Split_Set\n"
            "angry_01_A_002.wav,0.025,0.025,0.95,1,2.2,1,Female,Train\n"
            "happy_14_B_006.wav,0.4875,0.4875,0.025,5,2,28,Male,Test\n"
        },
        clips={
            "Audios/angry_01_A_002.wav": {
                "speaker": "01A",
                "sex": "female",
                "emotion": "joyousness",
                "scene": "angry",
                "arousal": 0.0,
                "valence": 0.3,  # (2.2 - 1) / 4
                "dialog": "angry_01",
            },
            "Audios/happy_14_B_006.wav": {"speaker": "14B", "sex": "male", "emotion": None, "session": "14"},
        },
    ),
}
"""File stem of the reader → its tree, for corpora with tables of labels."""
