BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('v3.2.0.a');
CREATE TABLE steadysweep_attempts (
	trial_id INTEGER NOT NULL, 
	attempt INTEGER NOT NULL, 
	driver VARCHAR(256) NOT NULL, 
	worker VARCHAR(256) NOT NULL, 
	from_epoch INTEGER NOT NULL, 
	started DATETIME NOT NULL, 
	seen DATETIME NOT NULL, 
	ended DATETIME, 
	cause VARCHAR(64), 
	checkpoint TEXT, 
	gpu FLOAT NOT NULL, 
	PRIMARY KEY (trial_id, attempt)
);
INSERT INTO "steadysweep_attempts" VALUES(1,0,'box:30843','box:30843',0,'2026-11-26 01:46:07.295560','2026-11-26 01:46:07.415021','2026-11-26 01:46:07.415021','completed','/srv/runs/00000/checkpoint.json',0.0);
INSERT INTO "steadysweep_attempts" VALUES(2,0,'box:30843','box:30843',0,'2026-11-26 01:46:07.501545','2026-11-26 01:46:07.572335','2026-11-26 01:46:07.572335','completed','/srv/runs/00001/checkpoint.json',0.0);
INSERT INTO "steadysweep_attempts" VALUES(3,0,'box:30843','box:30843',0,'2026-11-26 01:46:07.664511','2026-11-26 01:46:07.755016','2026-11-26 01:46:07.755016','completed','/srv/runs/00002/checkpoint.json',0.0);
INSERT INTO "steadysweep_attempts" VALUES(4,0,'box:30843','box:30843',0,'2026-11-26 01:46:07.838049','2026-11-26 01:46:07.878524','2026-11-26 01:46:07.878524','stopped','/srv/runs/00003/checkpoint.json',0.0);
INSERT INTO "steadysweep_attempts" VALUES(5,0,'box:30843','box:30843',0,'2026-11-26 01:46:07.965932','2026-11-26 01:46:08.013226','2026-11-26 01:46:08.013226','interrupted','/srv/runs/00004/checkpoint.json',0.0);
CREATE TABLE steadysweep_curves (
	trial_id INTEGER NOT NULL, 
	first_epoch INTEGER NOT NULL, 
	epochs INTEGER NOT NULL, 
	data BLOB NOT NULL, 
	PRIMARY KEY (trial_id, first_epoch)
);
INSERT INTO "steadysweep_curves" VALUES(1,1,5,X'78018B562A4BCC894F4C4E2E2D4A4CAE54D25150CAC92F2E568AE532F83AE5B87686D8CDE295D32FFB9EAB36894849E25CCAA86860A7FB67EFBC663B7B10B00302003154186B');
INSERT INTO "steadysweep_curves" VALUES(2,1,5,X'78018B562A4BCC894F4C4E2E2D4A4CAE54D25150CAC92F2E568AE5E2FC16F7EAD71F61575DF16F27EA053D59F218EFDC58CFAD63E7AFF16279B3939D3D08D80101002FE2183C');
INSERT INTO "steadysweep_curves" VALUES(3,1,5,X'78018B562A4BCC894F4C4E2E2D4A4CAE54D25150CAC92F2E568AE5AA9CAAC5DDE47C7DF5E59FD715BECDEC99B24F78F6D96DFC165E812A0FFB422DEDEC41C00E0800522819A4');
INSERT INTO "steadysweep_curves" VALUES(4,1,2,X'78018B562A4BCC894F4C4E2E2D4A4CAE54D25150CAC92F2E568AE5DA66AE3AE9E63EE1E6D5025AF7ECECEDED0033E20ED3');
INSERT INTO "steadysweep_curves" VALUES(5,1,1,X'78018B562A4BCC894F4C4E2E2D4A4CAE54D25150CAC92F2E568AE52A3EDEB56B83BA9D3D00C83F0C17');
INSERT INTO "steadysweep_curves" VALUES(5,2,1,X'78018B562A4BCC894F4C4E2E2D4A4CAE54D25150CAC92F2E568AE5DA3C2B204EE8B6BD1D00C5810BAA');
CREATE TABLE steadysweep_schema (
	version INTEGER NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO "steadysweep_schema" VALUES(1);
CREATE TABLE steadysweep_study_facts (
	study_id INTEGER NOT NULL, 
	"key" VARCHAR(128) NOT NULL, 
	value_json TEXT NOT NULL, 
	PRIMARY KEY (study_id, "key")
);
INSERT INTO "steadysweep_study_facts" VALUES(1,'metric','"val_accuracy"');
INSERT INTO "steadysweep_study_facts" VALUES(1,'maximize','true');
INSERT INTO "steadysweep_study_facts" VALUES(1,'seed','0');
INSERT INTO "steadysweep_study_facts" VALUES(1,'target_trials','6');
INSERT INTO "steadysweep_study_facts" VALUES(1,'planned_epochs','5');
INSERT INTO "steadysweep_study_facts" VALUES(1,'sweep_file','"study: old\nstorage: sqlite:///old.db\nstorage_path: runs\ndata:\n  source: digits\n  image_size: null\n  color: auto\n  classes: null\n  split: {train: 0.7, validation: 0.15, test: 0.15, seed: 0, stratify: true}\n  preprocessing: auto\n  augmentation: none\n  imbalance: none\n  on_unreadable: fail\n  cache_memory_gb: 2.0\n  cache_path: null\n  cache_disk_gb: 50.0\n  sampling: every_image\n  validation_windows: all\nmodel:\n  backbone: small_resnet\n  weights: null\n  options: {}\n  pooling: avg\n  dense: []\n  activation: relu\n  head_bn: false\n  output: auto\n  frozen_layers: none\n  bn_momentum: null\n  frozen_bn: inference\ntraining: {epochs: 5, batch_size: 32, optimizer: adam, backbone_learning_rate_factor: 1.0, momentum: 0.9, schedule: constant,\n  warmup_epochs: 0.0, schedule_factor: 0.5, schedule_patience: 10, min_learning_rate: 0.0, weight_decay: 0.0, label_smoothing: 0.0,\n  gradient_clip: null, ema: null, unfreeze_every: null, precise_bn: ''off'', early_stopping: null, checkpoint_every: null, deterministic: null,\n  mixed_precision: false, jit_compile: auto, steps_per_execution: 1}\nspace:\n  learning_rate:\n    float: [1.0e-05, 0.1]\n    log: true\n  dropout:\n    float: [0.0, 0.6]\n    step: 0.05\nsearch:\n  metric: val_accuracy\n  sampler: random\n  sampler_options: {}\n  pruner: asha\n  pruner_options: {grace: 2, reduction: 2}\n  trials: 6\n  seed: 0\nbudget: {time: null, gpu_hours: null}\nconfirm: {top: 0, seeds: 3}\nresources: {cpu: 1.0, gpu: 0.0, concurrent: null}\nreport: {path: null, every: 300.0}\nallow: []\n"');
INSERT INTO "steadysweep_study_facts" VALUES(1,'parameters','[{"name": "learning_rate", "kind": "float", "log": true, "low": 1e-05, "high": 0.1, "labels": [], "condition": null}, {"name": "dropout", "kind": "float", "log": false, "low": 0.0, "high": 0.6, "labels": [], "condition": null}]');
INSERT INTO "steadysweep_study_facts" VALUES(1,'distributions','{"learning_rate": "{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": null, \"low\": 1e-05, \"high\": 0.1, \"log\": true}}", "dropout": "{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": 0.05, \"low\": 0.0, \"high\": 0.6, \"log\": false}}"}');
INSERT INTO "steadysweep_study_facts" VALUES(1,'num_val','500');
INSERT INTO "steadysweep_study_facts" VALUES(1,'versions','{"keras": "3.15.1"}');
INSERT INTO "steadysweep_study_facts" VALUES(1,'hardware','{"cpus": "2"}');
INSERT INTO "steadysweep_study_facts" VALUES(1,'facts','{"host": "box", "owner": "someone", "data_fingerprint": "f00d"}');
INSERT INTO "steadysweep_study_facts" VALUES(1,'created','"2026-11-26T01:46:04.711659+00:00"');
INSERT INTO "steadysweep_study_facts" VALUES(1,'changes','[]');
CREATE TABLE studies (
	study_id INTEGER NOT NULL, 
	study_name VARCHAR(512) NOT NULL, 
	PRIMARY KEY (study_id)
);
INSERT INTO "studies" VALUES(1,'old');
CREATE TABLE study_directions (
	study_direction_id INTEGER NOT NULL, 
	direction VARCHAR(8) NOT NULL, 
	study_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	PRIMARY KEY (study_direction_id), 
	UNIQUE (study_id, objective), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_directions" VALUES(1,'MAXIMIZE',1,0);
CREATE TABLE study_system_attributes (
	study_system_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_system_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_system_attributes" VALUES(1,1,'study:metric_names','["stable val_accuracy"]');
CREATE TABLE study_user_attributes (
	study_user_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_user_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_user_attributes" VALUES(1,1,'made_by','"steadysweep"');
CREATE TABLE trial_heartbeats (
	trial_heartbeat_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	heartbeat DATETIME NOT NULL, 
	PRIMARY KEY (trial_heartbeat_id), 
	UNIQUE (trial_id), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_intermediate_values (
	trial_intermediate_value_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	step INTEGER NOT NULL, 
	intermediate_value FLOAT, 
	intermediate_value_type VARCHAR(7) NOT NULL, 
	PRIMARY KEY (trial_intermediate_value_id), 
	UNIQUE (trial_id, step), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_intermediate_values" VALUES(1,1,1,3.23419099680435140342e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(2,1,2,5.0714046625186781636e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(3,1,3,6.30089974745474235007e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(4,1,4,6.90655142231862528845e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(5,1,5,7.44066916634814501385e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(6,2,1,3.43673964041258495072e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(7,2,2,5.46035199368102852623e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(8,2,3,0.673818445702065,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(9,2,4,7.42460823053264107329e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(10,2,5,8.09722561092104609059e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(11,3,1,3.57112690184586245578e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(12,3,2,5.5909089592350535991e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(13,3,3,7.2250618437975655528e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(14,3,4,7.91397771753019729779e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(15,3,5,8.18550218714172439504e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(16,4,1,3.35645370256011321696e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(17,4,2,5.65402448388033107562e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(18,5,1,3.44806281663908753554e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(19,5,2,5.71543868836932755783e-01,'FINITE');
CREATE TABLE trial_params (
	param_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	param_name VARCHAR(512), 
	param_value FLOAT, 
	distribution_json TEXT, 
	PRIMARY KEY (param_id), 
	UNIQUE (trial_id, param_name), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_params" VALUES(1,1,'learning_rate',2.99350897031190228692e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(2,1,'dropout',0.6,'{"name": "FloatDistribution", "attributes": {"step": 0.05, "low": 0.0, "high": 0.6, "log": false}}');
INSERT INTO "trial_params" VALUES(3,2,'learning_rate',1.29418212980675680773e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(4,2,'dropout',0.35,'{"name": "FloatDistribution", "attributes": {"step": 0.05, "low": 0.0, "high": 0.6, "log": false}}');
INSERT INTO "trial_params" VALUES(5,3,'learning_rate',0.00938806451902035,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(6,3,'dropout',0.2,'{"name": "FloatDistribution", "attributes": {"step": 0.05, "low": 0.0, "high": 0.6, "log": false}}');
INSERT INTO "trial_params" VALUES(7,4,'learning_rate',5.0131563981934612259e-03,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(8,4,'dropout',0.3,'{"name": "FloatDistribution", "attributes": {"step": 0.05, "low": 0.0, "high": 0.6, "log": false}}');
INSERT INTO "trial_params" VALUES(9,5,'learning_rate',1.23185378011722926339e-03,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(10,5,'dropout',0.2,'{"name": "FloatDistribution", "attributes": {"step": 0.05, "low": 0.0, "high": 0.6, "log": false}}');
CREATE TABLE trial_system_attributes (
	trial_system_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_system_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_user_attributes (
	trial_user_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_user_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_user_attributes" VALUES(1,1,'role','"search"');
INSERT INTO "trial_user_attributes" VALUES(2,1,'configuration','"fc172131fd"');
INSERT INTO "trial_user_attributes" VALUES(3,1,'seed','562189835');
INSERT INTO "trial_user_attributes" VALUES(4,1,'replicate','0');
INSERT INTO "trial_user_attributes" VALUES(5,1,'planned_epochs','5');
INSERT INTO "trial_user_attributes" VALUES(6,1,'figures','{"num_val": 500.0, "exported_val_accuracy": 0.7440669166348145}');
INSERT INTO "trial_user_attributes" VALUES(7,1,'facts','{"class_names": "a,b"}');
INSERT INTO "trial_user_attributes" VALUES(8,1,'score','{"stable": 0.4225175416171218, "level": 0.7231492528256374, "best": 0.7440668940544128, "last": 0.7440668940544128, "provisional": false}');
INSERT INTO "trial_user_attributes" VALUES(9,2,'role','"search"');
INSERT INTO "trial_user_attributes" VALUES(10,2,'configuration','"c0054569f8"');
INSERT INTO "trial_user_attributes" VALUES(11,2,'seed','1236719161');
INSERT INTO "trial_user_attributes" VALUES(12,2,'replicate','0');
INSERT INTO "trial_user_attributes" VALUES(13,2,'planned_epochs','5');
INSERT INTO "trial_user_attributes" VALUES(14,2,'figures','{"num_val": 500.0, "exported_val_accuracy": 0.8097225610921046}');
INSERT INTO "trial_user_attributes" VALUES(15,2,'facts','{"class_names": "a,b"}');
INSERT INTO "trial_user_attributes" VALUES(16,2,'score','{"stable": 0.452826660740657, "level": 0.7844665880074656, "best": 0.8097225427627563, "last": 0.8097225427627563, "provisional": false}');
INSERT INTO "trial_user_attributes" VALUES(17,3,'role','"search"');
INSERT INTO "trial_user_attributes" VALUES(18,3,'configuration','"02782067dd"');
INSERT INTO "trial_user_attributes" VALUES(19,3,'seed','478756737');
INSERT INTO "trial_user_attributes" VALUES(20,3,'replicate','0');
INSERT INTO "trial_user_attributes" VALUES(21,3,'planned_epochs','5');
INSERT INTO "trial_user_attributes" VALUES(22,3,'figures','{"num_val": 500.0, "exported_val_accuracy": 0.8185502187141724}');
INSERT INTO "trial_user_attributes" VALUES(23,3,'facts','{"class_names": "a,b"}');
INSERT INTO "trial_user_attributes" VALUES(24,3,'score','{"stable": 0.4660587956153768, "level": 0.8032056056684069, "best": 0.8185502290725708, "last": 0.8185502290725708, "provisional": false}');
INSERT INTO "trial_user_attributes" VALUES(25,4,'role','"search"');
INSERT INTO "trial_user_attributes" VALUES(26,4,'configuration','"fa1c35cc62"');
INSERT INTO "trial_user_attributes" VALUES(27,4,'seed','1591587350');
INSERT INTO "trial_user_attributes" VALUES(28,4,'replicate','0');
INSERT INTO "trial_user_attributes" VALUES(29,4,'planned_epochs','5');
INSERT INTO "trial_user_attributes" VALUES(30,4,'score','{"stable": 0.3356453776359558, "level": 0.3942811235837718, "best": 0.5654024481773376, "last": 0.5654024481773376, "provisional": true}');
INSERT INTO "trial_user_attributes" VALUES(31,4,'cause','"asha: level 0.3943 at epoch 2 ranks 3 of 4; the best 2 go on"');
INSERT INTO "trial_user_attributes" VALUES(32,5,'role','"search"');
INSERT INTO "trial_user_attributes" VALUES(33,5,'configuration','"3f38c3c228"');
INSERT INTO "trial_user_attributes" VALUES(34,5,'seed','1616961461');
INSERT INTO "trial_user_attributes" VALUES(35,5,'replicate','0');
INSERT INTO "trial_user_attributes" VALUES(36,5,'planned_epochs','5');
CREATE TABLE trial_values (
	trial_value_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	value FLOAT, 
	value_type VARCHAR(7) NOT NULL, 
	PRIMARY KEY (trial_value_id), 
	UNIQUE (trial_id, objective), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_values" VALUES(1,1,0,4.22517541617121794583e-01,'FINITE');
INSERT INTO "trial_values" VALUES(2,2,0,0.452826660740657,'FINITE');
INSERT INTO "trial_values" VALUES(3,3,0,4.66058795615376775245e-01,'FINITE');
CREATE TABLE trials (
	trial_id INTEGER NOT NULL, 
	number INTEGER, 
	study_id INTEGER, 
	state VARCHAR(8) NOT NULL, 
	datetime_start DATETIME, 
	datetime_complete DATETIME, 
	PRIMARY KEY (trial_id), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "trials" VALUES(1,0,1,'COMPLETE','2026-11-26 01:46:07.172434','2026-11-26 01:46:07.464889');
INSERT INTO "trials" VALUES(2,1,1,'COMPLETE','2026-11-26 01:46:07.470358','2026-11-26 01:46:07.602270');
INSERT INTO "trials" VALUES(3,2,1,'COMPLETE','2026-11-26 01:46:07.612623','2026-11-26 01:46:07.781794');
INSERT INTO "trials" VALUES(4,3,1,'PRUNED','2026-11-26 01:46:07.791310','2026-11-26 01:46:07.900494');
INSERT INTO "trials" VALUES(5,4,1,'RUNNING','2026-11-26 01:46:07.906821',NULL);
CREATE TABLE version_info (
	version_info_id INTEGER NOT NULL, 
	schema_version INTEGER, 
	library_version VARCHAR(256), 
	PRIMARY KEY (version_info_id), 
	CHECK (version_info_id=1)
);
INSERT INTO "version_info" VALUES(1,12,'5.0.0');
CREATE UNIQUE INDEX ix_studies_study_name ON studies (study_name);
CREATE INDEX ix_trials_study_id ON trials (study_id);
COMMIT;
