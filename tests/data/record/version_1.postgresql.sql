SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE TYPE public.studydirection AS ENUM (
    'NOT_SET',
    'MINIMIZE',
    'MAXIMIZE'
);
CREATE TYPE public.trialintermediatevaluetype AS ENUM (
    'FINITE',
    'INF_POS',
    'INF_NEG',
    'NAN'
);
CREATE TYPE public.trialstate AS ENUM (
    'RUNNING',
    'COMPLETE',
    'PRUNED',
    'FAIL',
    'WAITING'
);
CREATE TYPE public.trialvaluetype AS ENUM (
    'FINITE',
    'INF_POS',
    'INF_NEG'
);
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.steadysweep_attempts (
    trial_id integer NOT NULL,
    attempt integer NOT NULL,
    driver character varying(256) NOT NULL,
    worker character varying(256) NOT NULL,
    from_epoch integer NOT NULL,
    started timestamp without time zone NOT NULL,
    seen timestamp without time zone NOT NULL,
    ended timestamp without time zone,
    cause character varying(64),
    checkpoint text,
    gpu double precision NOT NULL
);
CREATE TABLE public.steadysweep_curves (
    trial_id integer NOT NULL,
    first_epoch integer NOT NULL,
    epochs integer NOT NULL,
    data bytea NOT NULL
);
CREATE TABLE public.steadysweep_schema (
    version integer NOT NULL
);
CREATE TABLE public.steadysweep_study_facts (
    study_id integer NOT NULL,
    key character varying(128) NOT NULL,
    value_json text NOT NULL
);
CREATE TABLE public.studies (
    study_id integer NOT NULL,
    study_name character varying(512) NOT NULL
);
CREATE SEQUENCE public.studies_study_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.studies_study_id_seq OWNED BY public.studies.study_id;
CREATE TABLE public.study_directions (
    study_direction_id integer NOT NULL,
    direction public.studydirection NOT NULL,
    study_id integer NOT NULL,
    objective integer NOT NULL
);
CREATE SEQUENCE public.study_directions_study_direction_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.study_directions_study_direction_id_seq OWNED BY public.study_directions.study_direction_id;
CREATE TABLE public.study_system_attributes (
    study_system_attribute_id integer NOT NULL,
    study_id integer,
    key character varying(512),
    value_json text
);
CREATE SEQUENCE public.study_system_attributes_study_system_attribute_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.study_system_attributes_study_system_attribute_id_seq OWNED BY public.study_system_attributes.study_system_attribute_id;
CREATE TABLE public.study_user_attributes (
    study_user_attribute_id integer NOT NULL,
    study_id integer,
    key character varying(512),
    value_json text
);
CREATE SEQUENCE public.study_user_attributes_study_user_attribute_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.study_user_attributes_study_user_attribute_id_seq OWNED BY public.study_user_attributes.study_user_attribute_id;
CREATE TABLE public.trial_heartbeats (
    trial_heartbeat_id integer NOT NULL,
    trial_id integer NOT NULL,
    heartbeat timestamp without time zone NOT NULL
);
CREATE SEQUENCE public.trial_heartbeats_trial_heartbeat_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.trial_heartbeats_trial_heartbeat_id_seq OWNED BY public.trial_heartbeats.trial_heartbeat_id;
CREATE TABLE public.trial_intermediate_values (
    trial_intermediate_value_id integer NOT NULL,
    trial_id integer NOT NULL,
    step integer NOT NULL,
    intermediate_value double precision,
    intermediate_value_type public.trialintermediatevaluetype NOT NULL
);
CREATE SEQUENCE public.trial_intermediate_values_trial_intermediate_value_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.trial_intermediate_values_trial_intermediate_value_id_seq OWNED BY public.trial_intermediate_values.trial_intermediate_value_id;
CREATE TABLE public.trial_params (
    param_id integer NOT NULL,
    trial_id integer,
    param_name character varying(512),
    param_value double precision,
    distribution_json text
);
CREATE SEQUENCE public.trial_params_param_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.trial_params_param_id_seq OWNED BY public.trial_params.param_id;
CREATE TABLE public.trial_system_attributes (
    trial_system_attribute_id integer NOT NULL,
    trial_id integer,
    key character varying(512),
    value_json text
);
CREATE SEQUENCE public.trial_system_attributes_trial_system_attribute_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.trial_system_attributes_trial_system_attribute_id_seq OWNED BY public.trial_system_attributes.trial_system_attribute_id;
CREATE TABLE public.trial_user_attributes (
    trial_user_attribute_id integer NOT NULL,
    trial_id integer,
    key character varying(512),
    value_json text
);
CREATE SEQUENCE public.trial_user_attributes_trial_user_attribute_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.trial_user_attributes_trial_user_attribute_id_seq OWNED BY public.trial_user_attributes.trial_user_attribute_id;
CREATE TABLE public.trial_values (
    trial_value_id integer NOT NULL,
    trial_id integer NOT NULL,
    objective integer NOT NULL,
    value double precision,
    value_type public.trialvaluetype NOT NULL
);
CREATE SEQUENCE public.trial_values_trial_value_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.trial_values_trial_value_id_seq OWNED BY public.trial_values.trial_value_id;
CREATE TABLE public.trials (
    trial_id integer NOT NULL,
    number integer,
    study_id integer,
    state public.trialstate NOT NULL,
    datetime_start timestamp without time zone,
    datetime_complete timestamp without time zone
);
CREATE SEQUENCE public.trials_trial_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.trials_trial_id_seq OWNED BY public.trials.trial_id;
CREATE TABLE public.version_info (
    version_info_id integer NOT NULL,
    schema_version integer,
    library_version character varying(256),
    CONSTRAINT version_info_version_info_id_check CHECK ((version_info_id = 1))
);
ALTER TABLE ONLY public.studies ALTER COLUMN study_id SET DEFAULT nextval('public.studies_study_id_seq'::regclass);
ALTER TABLE ONLY public.study_directions ALTER COLUMN study_direction_id SET DEFAULT nextval('public.study_directions_study_direction_id_seq'::regclass);
ALTER TABLE ONLY public.study_system_attributes ALTER COLUMN study_system_attribute_id SET DEFAULT nextval('public.study_system_attributes_study_system_attribute_id_seq'::regclass);
ALTER TABLE ONLY public.study_user_attributes ALTER COLUMN study_user_attribute_id SET DEFAULT nextval('public.study_user_attributes_study_user_attribute_id_seq'::regclass);
ALTER TABLE ONLY public.trial_heartbeats ALTER COLUMN trial_heartbeat_id SET DEFAULT nextval('public.trial_heartbeats_trial_heartbeat_id_seq'::regclass);
ALTER TABLE ONLY public.trial_intermediate_values ALTER COLUMN trial_intermediate_value_id SET DEFAULT nextval('public.trial_intermediate_values_trial_intermediate_value_id_seq'::regclass);
ALTER TABLE ONLY public.trial_params ALTER COLUMN param_id SET DEFAULT nextval('public.trial_params_param_id_seq'::regclass);
ALTER TABLE ONLY public.trial_system_attributes ALTER COLUMN trial_system_attribute_id SET DEFAULT nextval('public.trial_system_attributes_trial_system_attribute_id_seq'::regclass);
ALTER TABLE ONLY public.trial_user_attributes ALTER COLUMN trial_user_attribute_id SET DEFAULT nextval('public.trial_user_attributes_trial_user_attribute_id_seq'::regclass);
ALTER TABLE ONLY public.trial_values ALTER COLUMN trial_value_id SET DEFAULT nextval('public.trial_values_trial_value_id_seq'::regclass);
ALTER TABLE ONLY public.trials ALTER COLUMN trial_id SET DEFAULT nextval('public.trials_trial_id_seq'::regclass);
INSERT INTO public.alembic_version VALUES ('v3.2.0.a');
INSERT INTO public.steadysweep_attempts VALUES (1, 0, 'box:30843', 'box:30843', 0, '2026-11-26 01:46:12.070869', '2026-11-26 01:46:12.275529', '2026-11-26 01:46:12.275529', 'completed', '/srv/runs/00000/checkpoint.json', 0);
INSERT INTO public.steadysweep_attempts VALUES (2, 0, 'box:30843', 'box:30843', 0, '2026-11-26 01:46:12.56418', '2026-11-26 01:46:12.779096', '2026-11-26 01:46:12.779096', 'completed', '/srv/runs/00001/checkpoint.json', 0);
INSERT INTO public.steadysweep_attempts VALUES (3, 0, 'box:30843', 'box:30843', 0, '2026-11-26 01:46:13.036075', '2026-11-26 01:46:13.231565', '2026-11-26 01:46:13.231565', 'completed', '/srv/runs/00002/checkpoint.json', 0);
INSERT INTO public.steadysweep_attempts VALUES (4, 0, 'box:30843', 'box:30843', 0, '2026-11-26 01:46:13.386261', '2026-11-26 01:46:13.513907', '2026-11-26 01:46:13.513907', 'stopped', '/srv/runs/00003/checkpoint.json', 0);
INSERT INTO public.steadysweep_attempts VALUES (5, 0, 'box:30843', 'box:30843', 0, '2026-11-26 01:46:13.736136', '2026-11-26 01:46:13.851067', '2026-11-26 01:46:13.851067', 'interrupted', '/srv/runs/00004/checkpoint.json', 0);
INSERT INTO public.steadysweep_curves VALUES (1, 1, 5, '\x78018b562a4bcc894f4c4e2e2d4a4cae54d25150cac92f2e568ae532f83ae5b87686d8cde295d32ffb9eab36894849e25ccaa86860a7fb67efbc663b7b10b00302003154186b');
INSERT INTO public.steadysweep_curves VALUES (2, 1, 5, '\x78018b562a4bcc894f4c4e2e2d4a4cae54d25150cac92f2e568ae5e2fc16f7ead71f61575df16f27ea053d59f218efdc58cfad63e7aff16279b3939d3d08d80101002fe2183c');
INSERT INTO public.steadysweep_curves VALUES (3, 1, 5, '\x78018b562a4bcc894f4c4e2e2d4a4cae54d25150cac92f2e568ae5aa9caac5dde47c7df5e59fd715becdec99b24f78f6d96dfc165e812a0ffb422dedec41c00e0800522819a4');
INSERT INTO public.steadysweep_curves VALUES (4, 1, 2, '\x78018b562a4bcc894f4c4e2e2d4a4cae54d25150cac92f2e568ae5da66ae3ae9e63ee1e6d5025af7ececeded0033e20ed3');
INSERT INTO public.steadysweep_curves VALUES (5, 1, 1, '\x78018b562a4bcc894f4c4e2e2d4a4cae54d25150cac92f2e568ae52a3edeb56b83ba9d3d00c83f0c17');
INSERT INTO public.steadysweep_curves VALUES (5, 2, 1, '\x78018b562a4bcc894f4c4e2e2d4a4cae54d25150cac92f2e568ae5da3c2b204ee8b6bd1d00c5810baa');
INSERT INTO public.steadysweep_schema VALUES (1);
INSERT INTO public.steadysweep_study_facts VALUES (1, 'metric', '"val_accuracy"');
INSERT INTO public.steadysweep_study_facts VALUES (1, 'maximize', 'true');
INSERT INTO public.steadysweep_study_facts VALUES (1, 'seed', '0');
INSERT INTO public.steadysweep_study_facts VALUES (1, 'target_trials', '6');
INSERT INTO public.steadysweep_study_facts VALUES (1, 'planned_epochs', '5');
INSERT INTO public.steadysweep_study_facts VALUES (1, 'sweep_file', '"study: old\nstorage: postgresql+psycopg://sweeps:${PW}@127.0.0.1:52075/postgres\nstorage_path: runs\ndata:\n  source: digits\n  image_size: null\n  color: auto\n  classes: null\n  split: {train: 0.7, validation: 0.15, test: 0.15, seed: 0, stratify: true}\n  preprocessing: auto\n  augmentation: none\n  imbalance: none\n  on_unreadable: fail\n  cache_memory_gb: 2.0\n  cache_path: null\n  cache_disk_gb: 50.0\n  sampling: every_image\n  validation_windows: all\nmodel:\n  backbone: small_resnet\n  weights: null\n  options: {}\n  pooling: avg\n  dense: []\n  activation: relu\n  head_bn: false\n  output: auto\n  frozen_layers: none\n  bn_momentum: null\n  frozen_bn: inference\ntraining: {epochs: 5, batch_size: 32, optimizer: adam, backbone_learning_rate_factor: 1.0, momentum: 0.9, schedule: constant,\n  warmup_epochs: 0.0, schedule_factor: 0.5, schedule_patience: 10, min_learning_rate: 0.0, weight_decay: 0.0, label_smoothing: 0.0,\n  gradient_clip: null, ema: null, unfreeze_every: null, precise_bn: ''off'', early_stopping: null, checkpoint_every: null, deterministic: null,\n  mixed_precision: false, jit_compile: auto, steps_per_execution: 1}\nspace:\n  learning_rate:\n    float: [1.0e-05, 0.1]\n    log: true\n  dropout:\n    float: [0.0, 0.6]\n    step: 0.05\nsearch:\n  metric: val_accuracy\n  sampler: random\n  sampler_options: {}\n  pruner: asha\n  pruner_options: {grace: 2, reduction: 2}\n  trials: 6\n  seed: 0\nbudget: {time: null, gpu_hours: null}\nconfirm: {top: 0, seeds: 3}\nresources: {cpu: 1.0, gpu: 0.0, concurrent: null}\nreport: {path: null, every: 300.0}\nallow: []\n"');
INSERT INTO public.steadysweep_study_facts VALUES (1, 'parameters', '[{"name": "learning_rate", "kind": "float", "log": true, "low": 1e-05, "high": 0.1, "labels": [], "condition": null}, {"name": "dropout", "kind": "float", "log": false, "low": 0.0, "high": 0.6, "labels": [], "condition": null}]');
INSERT INTO public.steadysweep_study_facts VALUES (1, 'distributions', '{"learning_rate": "{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": null, \"low\": 1e-05, \"high\": 0.1, \"log\": true}}", "dropout": "{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": 0.05, \"low\": 0.0, \"high\": 0.6, \"log\": false}}"}');
INSERT INTO public.steadysweep_study_facts VALUES (1, 'num_val', '500');
INSERT INTO public.steadysweep_study_facts VALUES (1, 'versions', '{"keras": "3.15.1"}');
INSERT INTO public.steadysweep_study_facts VALUES (1, 'hardware', '{"cpus": "2"}');
INSERT INTO public.steadysweep_study_facts VALUES (1, 'facts', '{"host": "box", "owner": "someone", "data_fingerprint": "f00d"}');
INSERT INTO public.steadysweep_study_facts VALUES (1, 'created', '"2026-11-26T01:46:10.941177+00:00"');
INSERT INTO public.steadysweep_study_facts VALUES (1, 'changes', '[]');
INSERT INTO public.studies VALUES (1, 'old');
INSERT INTO public.study_directions VALUES (1, 'MAXIMIZE', 1, 0);
INSERT INTO public.study_system_attributes VALUES (1, 1, 'study:metric_names', '["stable val_accuracy"]');
INSERT INTO public.study_user_attributes VALUES (1, 1, 'made_by', '"steadysweep"');
INSERT INTO public.trial_intermediate_values VALUES (1, 1, 1, 0.32341909968043514, 'FINITE');
INSERT INTO public.trial_intermediate_values VALUES (2, 1, 2, 0.5071404662518678, 'FINITE');
INSERT INTO public.trial_intermediate_values VALUES (3, 1, 3, 0.6300899747454742, 'FINITE');
INSERT INTO public.trial_intermediate_values VALUES (4, 1, 4, 0.6906551422318625, 'FINITE');
INSERT INTO public.trial_intermediate_values VALUES (5, 1, 5, 0.7440669166348145, 'FINITE');
INSERT INTO public.trial_intermediate_values VALUES (6, 2, 1, 0.3436739640412585, 'FINITE');
INSERT INTO public.trial_intermediate_values VALUES (7, 2, 2, 0.5460351993681029, 'FINITE');
INSERT INTO public.trial_intermediate_values VALUES (8, 2, 3, 0.673818445702065, 'FINITE');
INSERT INTO public.trial_intermediate_values VALUES (9, 2, 4, 0.7424608230532641, 'FINITE');
INSERT INTO public.trial_intermediate_values VALUES (10, 2, 5, 0.8097225610921046, 'FINITE');
INSERT INTO public.trial_intermediate_values VALUES (11, 3, 1, 0.35711269018458625, 'FINITE');
INSERT INTO public.trial_intermediate_values VALUES (12, 3, 2, 0.5590908959235054, 'FINITE');
INSERT INTO public.trial_intermediate_values VALUES (13, 3, 3, 0.7225061843797566, 'FINITE');
INSERT INTO public.trial_intermediate_values VALUES (14, 3, 4, 0.7913977717530197, 'FINITE');
INSERT INTO public.trial_intermediate_values VALUES (15, 3, 5, 0.8185502187141724, 'FINITE');
INSERT INTO public.trial_intermediate_values VALUES (16, 4, 1, 0.3356453702560113, 'FINITE');
INSERT INTO public.trial_intermediate_values VALUES (17, 4, 2, 0.5654024483880331, 'FINITE');
INSERT INTO public.trial_intermediate_values VALUES (18, 5, 1, 0.34480628166390875, 'FINITE');
INSERT INTO public.trial_intermediate_values VALUES (19, 5, 2, 0.5715438688369328, 'FINITE');
INSERT INTO public.trial_params VALUES (1, 1, 'learning_rate', 0.029935089703119023, '{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO public.trial_params VALUES (2, 1, 'dropout', 0.6, '{"name": "FloatDistribution", "attributes": {"step": 0.05, "low": 0.0, "high": 0.6, "log": false}}');
INSERT INTO public.trial_params VALUES (3, 2, 'learning_rate', 0.012941821298067568, '{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO public.trial_params VALUES (4, 2, 'dropout', 0.35, '{"name": "FloatDistribution", "attributes": {"step": 0.05, "low": 0.0, "high": 0.6, "log": false}}');
INSERT INTO public.trial_params VALUES (5, 3, 'learning_rate', 0.00938806451902035, '{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO public.trial_params VALUES (6, 3, 'dropout', 0.2, '{"name": "FloatDistribution", "attributes": {"step": 0.05, "low": 0.0, "high": 0.6, "log": false}}');
INSERT INTO public.trial_params VALUES (7, 4, 'learning_rate', 0.005013156398193461, '{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO public.trial_params VALUES (8, 4, 'dropout', 0.3, '{"name": "FloatDistribution", "attributes": {"step": 0.05, "low": 0.0, "high": 0.6, "log": false}}');
INSERT INTO public.trial_params VALUES (9, 5, 'learning_rate', 0.0012318537801172293, '{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO public.trial_params VALUES (10, 5, 'dropout', 0.2, '{"name": "FloatDistribution", "attributes": {"step": 0.05, "low": 0.0, "high": 0.6, "log": false}}');
INSERT INTO public.trial_user_attributes VALUES (1, 1, 'role', '"search"');
INSERT INTO public.trial_user_attributes VALUES (2, 1, 'configuration', '"fc172131fd"');
INSERT INTO public.trial_user_attributes VALUES (3, 1, 'seed', '562189835');
INSERT INTO public.trial_user_attributes VALUES (4, 1, 'replicate', '0');
INSERT INTO public.trial_user_attributes VALUES (5, 1, 'planned_epochs', '5');
INSERT INTO public.trial_user_attributes VALUES (6, 1, 'figures', '{"num_val": 500.0, "exported_val_accuracy": 0.7440669166348145}');
INSERT INTO public.trial_user_attributes VALUES (7, 1, 'facts', '{"class_names": "a,b"}');
INSERT INTO public.trial_user_attributes VALUES (8, 1, 'score', '{"stable": 0.4225175416171218, "level": 0.7231492528256374, "best": 0.7440668940544128, "last": 0.7440668940544128, "provisional": false}');
INSERT INTO public.trial_user_attributes VALUES (9, 2, 'role', '"search"');
INSERT INTO public.trial_user_attributes VALUES (10, 2, 'configuration', '"c0054569f8"');
INSERT INTO public.trial_user_attributes VALUES (11, 2, 'seed', '1236719161');
INSERT INTO public.trial_user_attributes VALUES (12, 2, 'replicate', '0');
INSERT INTO public.trial_user_attributes VALUES (13, 2, 'planned_epochs', '5');
INSERT INTO public.trial_user_attributes VALUES (14, 2, 'figures', '{"num_val": 500.0, "exported_val_accuracy": 0.8097225610921046}');
INSERT INTO public.trial_user_attributes VALUES (15, 2, 'facts', '{"class_names": "a,b"}');
INSERT INTO public.trial_user_attributes VALUES (16, 2, 'score', '{"stable": 0.452826660740657, "level": 0.7844665880074656, "best": 0.8097225427627563, "last": 0.8097225427627563, "provisional": false}');
INSERT INTO public.trial_user_attributes VALUES (17, 3, 'role', '"search"');
INSERT INTO public.trial_user_attributes VALUES (18, 3, 'configuration', '"02782067dd"');
INSERT INTO public.trial_user_attributes VALUES (19, 3, 'seed', '478756737');
INSERT INTO public.trial_user_attributes VALUES (20, 3, 'replicate', '0');
INSERT INTO public.trial_user_attributes VALUES (21, 3, 'planned_epochs', '5');
INSERT INTO public.trial_user_attributes VALUES (22, 3, 'figures', '{"num_val": 500.0, "exported_val_accuracy": 0.8185502187141724}');
INSERT INTO public.trial_user_attributes VALUES (23, 3, 'facts', '{"class_names": "a,b"}');
INSERT INTO public.trial_user_attributes VALUES (24, 3, 'score', '{"stable": 0.4660587956153768, "level": 0.8032056056684069, "best": 0.8185502290725708, "last": 0.8185502290725708, "provisional": false}');
INSERT INTO public.trial_user_attributes VALUES (25, 4, 'role', '"search"');
INSERT INTO public.trial_user_attributes VALUES (26, 4, 'configuration', '"fa1c35cc62"');
INSERT INTO public.trial_user_attributes VALUES (27, 4, 'seed', '1591587350');
INSERT INTO public.trial_user_attributes VALUES (28, 4, 'replicate', '0');
INSERT INTO public.trial_user_attributes VALUES (29, 4, 'planned_epochs', '5');
INSERT INTO public.trial_user_attributes VALUES (30, 4, 'score', '{"stable": 0.3356453776359558, "level": 0.3942811235837718, "best": 0.5654024481773376, "last": 0.5654024481773376, "provisional": true}');
INSERT INTO public.trial_user_attributes VALUES (31, 4, 'cause', '"asha: level 0.3943 at epoch 2 ranks 3 of 4; the best 2 go on"');
INSERT INTO public.trial_user_attributes VALUES (32, 5, 'role', '"search"');
INSERT INTO public.trial_user_attributes VALUES (33, 5, 'configuration', '"3f38c3c228"');
INSERT INTO public.trial_user_attributes VALUES (34, 5, 'seed', '1616961461');
INSERT INTO public.trial_user_attributes VALUES (35, 5, 'replicate', '0');
INSERT INTO public.trial_user_attributes VALUES (36, 5, 'planned_epochs', '5');
INSERT INTO public.trial_values VALUES (1, 1, 0, 0.4225175416171218, 'FINITE');
INSERT INTO public.trial_values VALUES (2, 2, 0, 0.452826660740657, 'FINITE');
INSERT INTO public.trial_values VALUES (3, 3, 0, 0.4660587956153768, 'FINITE');
INSERT INTO public.trials VALUES (1, 0, 1, 'COMPLETE', '2026-11-26 01:46:11.919515', '2026-11-26 01:46:12.385365');
INSERT INTO public.trials VALUES (2, 1, 1, 'COMPLETE', '2026-11-26 01:46:12.409909', '2026-11-26 01:46:12.867571');
INSERT INTO public.trials VALUES (3, 2, 1, 'COMPLETE', '2026-11-26 01:46:12.880802', '2026-11-26 01:46:13.303387');
INSERT INTO public.trials VALUES (4, 3, 1, 'PRUNED', '2026-11-26 01:46:13.315405', '2026-11-26 01:46:13.578201');
INSERT INTO public.trials VALUES (5, 4, 1, 'RUNNING', '2026-11-26 01:46:13.592226', NULL);
INSERT INTO public.version_info VALUES (1, 12, '5.0.0');
SELECT pg_catalog.setval('public.studies_study_id_seq', 1, true);
SELECT pg_catalog.setval('public.study_directions_study_direction_id_seq', 1, true);
SELECT pg_catalog.setval('public.study_system_attributes_study_system_attribute_id_seq', 1, true);
SELECT pg_catalog.setval('public.study_user_attributes_study_user_attribute_id_seq', 1, true);
SELECT pg_catalog.setval('public.trial_heartbeats_trial_heartbeat_id_seq', 1, false);
SELECT pg_catalog.setval('public.trial_intermediate_values_trial_intermediate_value_id_seq', 19, true);
SELECT pg_catalog.setval('public.trial_params_param_id_seq', 10, true);
SELECT pg_catalog.setval('public.trial_system_attributes_trial_system_attribute_id_seq', 1, false);
SELECT pg_catalog.setval('public.trial_user_attributes_trial_user_attribute_id_seq', 36, true);
SELECT pg_catalog.setval('public.trial_values_trial_value_id_seq', 3, true);
SELECT pg_catalog.setval('public.trials_trial_id_seq', 5, true);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.steadysweep_attempts
    ADD CONSTRAINT steadysweep_attempts_pkey PRIMARY KEY (trial_id, attempt);
ALTER TABLE ONLY public.steadysweep_curves
    ADD CONSTRAINT steadysweep_curves_pkey PRIMARY KEY (trial_id, first_epoch);
ALTER TABLE ONLY public.steadysweep_schema
    ADD CONSTRAINT steadysweep_schema_pkey PRIMARY KEY (version);
ALTER TABLE ONLY public.steadysweep_study_facts
    ADD CONSTRAINT steadysweep_study_facts_pkey PRIMARY KEY (study_id, key);
ALTER TABLE ONLY public.studies
    ADD CONSTRAINT studies_pkey PRIMARY KEY (study_id);
ALTER TABLE ONLY public.study_directions
    ADD CONSTRAINT study_directions_pkey PRIMARY KEY (study_direction_id);
ALTER TABLE ONLY public.study_directions
    ADD CONSTRAINT study_directions_study_id_objective_key UNIQUE (study_id, objective);
ALTER TABLE ONLY public.study_system_attributes
    ADD CONSTRAINT study_system_attributes_pkey PRIMARY KEY (study_system_attribute_id);
ALTER TABLE ONLY public.study_system_attributes
    ADD CONSTRAINT study_system_attributes_study_id_key_key UNIQUE (study_id, key);
ALTER TABLE ONLY public.study_user_attributes
    ADD CONSTRAINT study_user_attributes_pkey PRIMARY KEY (study_user_attribute_id);
ALTER TABLE ONLY public.study_user_attributes
    ADD CONSTRAINT study_user_attributes_study_id_key_key UNIQUE (study_id, key);
ALTER TABLE ONLY public.trial_heartbeats
    ADD CONSTRAINT trial_heartbeats_pkey PRIMARY KEY (trial_heartbeat_id);
ALTER TABLE ONLY public.trial_heartbeats
    ADD CONSTRAINT trial_heartbeats_trial_id_key UNIQUE (trial_id);
ALTER TABLE ONLY public.trial_intermediate_values
    ADD CONSTRAINT trial_intermediate_values_pkey PRIMARY KEY (trial_intermediate_value_id);
ALTER TABLE ONLY public.trial_intermediate_values
    ADD CONSTRAINT trial_intermediate_values_trial_id_step_key UNIQUE (trial_id, step);
ALTER TABLE ONLY public.trial_params
    ADD CONSTRAINT trial_params_pkey PRIMARY KEY (param_id);
ALTER TABLE ONLY public.trial_params
    ADD CONSTRAINT trial_params_trial_id_param_name_key UNIQUE (trial_id, param_name);
ALTER TABLE ONLY public.trial_system_attributes
    ADD CONSTRAINT trial_system_attributes_pkey PRIMARY KEY (trial_system_attribute_id);
ALTER TABLE ONLY public.trial_system_attributes
    ADD CONSTRAINT trial_system_attributes_trial_id_key_key UNIQUE (trial_id, key);
ALTER TABLE ONLY public.trial_user_attributes
    ADD CONSTRAINT trial_user_attributes_pkey PRIMARY KEY (trial_user_attribute_id);
ALTER TABLE ONLY public.trial_user_attributes
    ADD CONSTRAINT trial_user_attributes_trial_id_key_key UNIQUE (trial_id, key);
ALTER TABLE ONLY public.trial_values
    ADD CONSTRAINT trial_values_pkey PRIMARY KEY (trial_value_id);
ALTER TABLE ONLY public.trial_values
    ADD CONSTRAINT trial_values_trial_id_objective_key UNIQUE (trial_id, objective);
ALTER TABLE ONLY public.trials
    ADD CONSTRAINT trials_pkey PRIMARY KEY (trial_id);
ALTER TABLE ONLY public.version_info
    ADD CONSTRAINT version_info_pkey PRIMARY KEY (version_info_id);
CREATE UNIQUE INDEX ix_studies_study_name ON public.studies USING btree (study_name);
CREATE INDEX ix_trials_study_id ON public.trials USING btree (study_id);
ALTER TABLE ONLY public.study_directions
    ADD CONSTRAINT study_directions_study_id_fkey FOREIGN KEY (study_id) REFERENCES public.studies(study_id);
ALTER TABLE ONLY public.study_system_attributes
    ADD CONSTRAINT study_system_attributes_study_id_fkey FOREIGN KEY (study_id) REFERENCES public.studies(study_id);
ALTER TABLE ONLY public.study_user_attributes
    ADD CONSTRAINT study_user_attributes_study_id_fkey FOREIGN KEY (study_id) REFERENCES public.studies(study_id);
ALTER TABLE ONLY public.trial_heartbeats
    ADD CONSTRAINT trial_heartbeats_trial_id_fkey FOREIGN KEY (trial_id) REFERENCES public.trials(trial_id);
ALTER TABLE ONLY public.trial_intermediate_values
    ADD CONSTRAINT trial_intermediate_values_trial_id_fkey FOREIGN KEY (trial_id) REFERENCES public.trials(trial_id);
ALTER TABLE ONLY public.trial_params
    ADD CONSTRAINT trial_params_trial_id_fkey FOREIGN KEY (trial_id) REFERENCES public.trials(trial_id);
ALTER TABLE ONLY public.trial_system_attributes
    ADD CONSTRAINT trial_system_attributes_trial_id_fkey FOREIGN KEY (trial_id) REFERENCES public.trials(trial_id);
ALTER TABLE ONLY public.trial_user_attributes
    ADD CONSTRAINT trial_user_attributes_trial_id_fkey FOREIGN KEY (trial_id) REFERENCES public.trials(trial_id);
ALTER TABLE ONLY public.trial_values
    ADD CONSTRAINT trial_values_trial_id_fkey FOREIGN KEY (trial_id) REFERENCES public.trials(trial_id);
ALTER TABLE ONLY public.trials
    ADD CONSTRAINT trials_study_id_fkey FOREIGN KEY (study_id) REFERENCES public.studies(study_id);
