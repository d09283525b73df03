#!/usr/bin/env bash
# start-full9.sh [--resume]: the ninth stretch, on main's code at 4b5069a (train8), from a mean of full8, full7, mixed6 and x4plus.
cd /root/fas/train8 || exit 1
export PYTHONPATH=/root/fas/train8 OMP_NUM_THREADS=${THREADS:-1} OMP_WAIT_POLICY=PASSIVE
ARGS="--system fasrgan --stage gan --data folder:/work/shared/photos=0.86;rendered:=0.07;pairs:/root/fas/dark/LR,/root/fas/dark/HR=0.07 --output /root/fas/runs/full9
 --data.degradation clean=0.14,web=0.28,camera=0.28,real=0.30 --data.crops_per_image 4 --data.shuffle_buffer 96 --data.batch 2 --data.crop 128
 --init /root/fas/runs/full9-start --init-discriminator /root/fas/runs/full9-start
 --discriminator.width 24 --discriminator.crop 0 --discriminator.hidden 128 --discriminator.norm none --discriminator.upsample aligned
 --losses.perceptual 0.7 --losses.adversarial 0.1 --losses.attention 1 --losses.content 28 --losses.color 10 --losses.texture 60 --losses.grid 150
 --losses.lpips 30 --losses.dists 45 --config /root/fas/full7.yaml
 --optimizer.r1 0.003 --optimizer.lr 1.2e-4 --optimizer.warmup 20 --optimizer.ema 0.998 --optimizer.cosine_steps 2400 --steps 2400 --precision bf16 --seed 9
 --checkpoints.minutes 4 --checkpoints.keep 2 --validate-every 1000000 --log-every 10 --logging.trackers []"
[ "$1" = --resume ] && ARGS="$ARGS --resume latest"
setsid nohup taskset -c ${CORES:-0} /root/fas/venv/bin/python scripts/train.py $ARGS >> /root/fas/full9.log 2>&1 &
echo $! > /root/fas/train.pgid; sleep 2; echo -10 > /proc/$(cat /root/fas/train.pgid)/autogroup
